import type { Clock, Component } from '../core/component.ts'
import type { Discv5Engine, NodeRecord } from '../discv5/engine.ts'
import type { AddressScope } from '../kad/addresses.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import { toCandidate, type Candidate } from './candidate.ts'
import { PeerIndex } from './peer-index.ts'
import type { Predicate } from '../core/record-predicate.ts'
import { SeenRecords } from './seen-records.ts'

export interface BridgeOptions {
  readonly predicates: readonly Predicate[]
  readonly scope: AddressScope
  /** Peer ID of this daemon. */
  readonly self: string
  /** Candidates that wait to be dialled. */
  readonly waiting: number
  readonly dialsAtOnce: number
  /** Records remembered as handled, and nodes whose peer is known. */
  readonly remembered: number
  readonly rememberedMs: number
  /** How long a node is left alone that was not reached, or that has a newer record; so often those of the discv5 table are looked at again. */
  readonly retryMs: number
}

/** How a dial ended: `joined` the peer answered on the overlay's protocol · `foreign` it is there but does not speak it · `failed`. */
export type DialOutcome = 'joined' | 'foreign' | 'failed'

/** Reaches a peer and, when it is one of the overlay, has the Kademlia table consider it. Never throws. */
export interface Dialer {
  dial (candidate: Candidate, signal: AbortSignal): Promise<DialOutcome>
}

interface Deps {
  readonly discv5: Pick<Discv5Engine, 'onDiscovered' | 'table'>
  readonly dialer: Dialer
  /** Dials a second. Gives 0 when one may begin now. */
  readonly rate: { take (party: string, now: number): number }
  readonly metrics: Metrics['bridge']
  readonly log: Logger
  readonly now: Clock
}

const DIAL_TIMEOUT_MS = 6000
/** How often the line is looked at while tokens are short. */
const PACE_MS = 100
const LIMIT_KEY = 'dials'

/** Verified records of discv5 nodes become libp2p dials: filtered, each once, in a bounded line, so many a second. */
export class Bridge implements Component {
  readonly index: PeerIndex
  readonly #opts: BridgeOptions
  readonly #deps: Deps
  readonly #seen: SeenRecords
  /** Bounded by `waiting`; a full line refuses newcomers. By node ID, so that a newer record takes the place of an older. */
  readonly #waiting = new Map<string, Candidate>()
  readonly #dialing = new Set<Promise<void>>()
  readonly #stopping = new AbortController()
  #unsubscribe: () => void = () => {}
  #timers: readonly NodeJS.Timeout[] = []

  constructor (opts: BridgeOptions, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
    this.#seen = new SeenRecords({ limit: opts.remembered, ttlMs: opts.rememberedMs, retryMs: opts.retryMs })
    this.index = new PeerIndex(opts.remembered)
  }

  async start (): Promise<void> {
    this.#unsubscribe = this.#deps.discv5.onDiscovered(record => this.offer(record))
    this.#timers = [setInterval(() => this.#pump(), PACE_MS).unref(), setInterval(() => this.recall(), this.#opts.retryMs).unref()]
  }

  async stop (): Promise<void> {
    this.#unsubscribe()
    this.#timers.forEach(timer => clearInterval(timer))
    this.#stopping.abort()
    this.#waiting.clear()
    await Promise.all(this.#dialing)
  }

  get waiting (): number { return this.#waiting.size }

  /** Considers one record, whose signature was checked. Never throws. */
  offer (record: NodeRecord): void {
    const { metrics, now } = this.#deps
    metrics.records.inc()
    const candidate = toCandidate(record, this.#opts, now())
    if (typeof candidate === 'string') return metrics.dropped.inc({ reason: candidate })
    const isWaiting = this.#waiting.has(candidate.nodeId)
    if (!isWaiting && this.#waiting.size >= this.#opts.waiting) return metrics.dropped.inc({ reason: 'full' })
    if (!this.#seen.isNew(candidate.nodeId, candidate.seq, now(), isWaiting)) return metrics.dropped.inc({ reason: 'seen' })
    if (!candidate.isDeclared) this.index.put(candidate)
    this.#waiting.set(candidate.nodeId, candidate)
    this.#pump()
  }

  /** Considers the live nodes of the discv5 table again whose time is over, or who were not reached: discv5 tells of a record only once. */
  recall (): void {
    for (const { record, isLive } of this.#deps.discv5.table()) {
      if (isLive && !this.#seen.has(record.nodeId, record.seq, this.#deps.now())) this.offer(record)
    }
  }

  #pump (): void {
    while (this.#waiting.size > 0 && this.#dialing.size < this.#opts.dialsAtOnce && !this.#stopping.signal.aborted) {
      if (this.#deps.rate.take(LIMIT_KEY, this.#deps.now()) > 0) break
      const [nodeId, candidate] = this.#waiting.entries().next().value as [string, Candidate]
      this.#waiting.delete(nodeId)
      const dial = this.#dial(candidate).finally(() => {
        this.#dialing.delete(dial)
        this.#pump()
      })
      this.#dialing.add(dial)
    }
    this.#deps.metrics.waiting.set(this.#waiting.size)
  }

  async #dial (candidate: Candidate): Promise<void> {
    const { dialer, metrics, log } = this.#deps
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)])
    let outcome: DialOutcome = 'failed'
    try {
      outcome = await dialer.dial(candidate, signal)
    } catch (err) {
      log.debug({ err, nodeId: candidate.nodeId }, 'a dial of a discovered node failed')
    }
    if (outcome === 'failed') this.#seen.failed(candidate.nodeId, candidate.seq, this.#deps.now())
    else if (candidate.isDeclared) this.index.put(candidate)
    metrics.dials.inc({ outcome })
  }
}
