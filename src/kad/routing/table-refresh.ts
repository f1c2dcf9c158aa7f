import type { Clock, Component } from '../../core/component.ts'
import type { Logger } from '../../observability/logger.ts'
import type { Metrics } from '../../observability/metrics.ts'
import type { Engine } from '../engine.ts'
import { peerIdFromBytes } from '../peer-id.ts'
import type { RpcClient } from '../rpc/client.ts'
import type { RoutingView, ViewPeer } from './routing-view.ts'

interface Options {
  /** How long a peer may stay in the table without having answered. Milliseconds. */
  readonly intervalMs: number
}

interface Deps {
  readonly view: Pick<RoutingView, 'list' | 'get'>
  readonly engine: Pick<Engine, 'drop'>
  readonly client: Pick<RpcClient, 'ping'>
  readonly metrics: Metrics['kad']
  readonly log: Logger
  readonly now: Clock
}

const TICK_MS = 1000
const PING_TIMEOUT_MS = 5000
/** Pings under way at the same time. */
const CONCURRENCY = 10

/**
 * Asks every peer of the routing table, now and then, whether it lives, and removes those that do not answer (IPFS kad-dht, routing
 * table refresh). The engine does so only where a bucket is full, so elsewhere it would name the dead for ever.
 */
export class TableRefresh implements Component {
  readonly #opts: Options
  readonly #deps: Deps
  /** When each peer answered last. Bounded by the table: others are forgotten with every round. */
  readonly #answeredAt = new Map<string, number>()
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined

  constructor (opts: Options, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
  }

  async start (): Promise<void> {
    this.#timer = setInterval(() => { void this.refresh() }, TICK_MS).unref()
  }

  async stop (): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping.abort()
    await this.#round
  }

  /** Asks those whose last answer is too long ago. A round that is under way is joined. */
  async refresh (): Promise<void> {
    this.#round ??= this.#askDue().finally(() => { this.#round = undefined })
    await this.#round
  }

  async #askDue (): Promise<void> {
    const { view, now } = this.#deps
    for (const id of this.#answeredAt.keys()) if (view.get(id) === undefined) this.#answeredAt.delete(id)
    const since = now() - this.#opts.intervalMs
    const due = view.list().filter(({ id, addedAt }) => (this.#answeredAt.get(id) ?? addedAt) <= since).values()
    await Promise.all(Array.from({ length: CONCURRENCY }, async () => {
      for (const peer of due) if (!this.#stopping.signal.aborted) await this.#ask(peer)
    }))
  }

  async #ask ({ id, bytes }: ViewPeer): Promise<void> {
    const { engine, client, metrics, log, now } = this.#deps
    const peer = peerIdFromBytes(bytes)
    if (peer === undefined) return
    try {
      await client.ping(peer, AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(PING_TIMEOUT_MS)]))
      this.#answeredAt.set(id, now())
    } catch (err) {
      if (this.#stopping.signal.aborted) return
      metrics.tableEvicted.inc()
      log.debug({ err, peer: id }, 'removed from the routing table: it does not answer')
      await engine.drop(peer)
    }
  }
}
