import { pipe } from 'it-pipe'
import type { Clock } from '../core/component.ts'
import type { MultihashKey } from '../core/key.ts'
import { emptyTrace, type PeerRecord } from '../core/peer.ts'
import type { Span } from '../core/span.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import { AnswerCache } from './answer-cache.ts'
import type { Answer, AnswerSummary, LookupOptions, LookupPort } from './answer.ts'
import { closestFirst } from './closest-first.ts'
import { firstWithAddresses } from './first-with-addresses.ts'
import { onePerPeer } from './one-per-peer.ts'
import { PlaneWalk, type Question } from './plane-walk.ts'
import type { OverlayPlane } from './ports.ts'
import { SharedWalks } from './shared-walks.ts'
import { WalkBudget, type WalkBudgetOptions } from './walk-budget.ts'

/** A walk keeps what it found for callers that come late: as many records as one request may look at. */
const RECORDS_PER_WALK = 10_000

/** Callers that one walk serves; beyond them another begins. */
const CALLERS_PER_WALK = 1000

interface Options extends WalkBudgetOptions {
  readonly cacheEntries: number
  readonly cacheTtlMs: number
  readonly cacheEmptyTtlMs: number
}

interface Deps {
  readonly planes: readonly OverlayPlane[]
  /** Peers that are told; others are left out of answers, remembered ones too. Absent: everybody is told. */
  readonly admits?: ((peerId: string) => boolean) | undefined
  readonly metrics: Metrics['lookup']
  readonly log: Logger
  readonly now: Clock
}

/** How a lookup makes its answer of the sightings, its own or those of a walk that it shares. */
interface Asked extends Question {
  held (plane: OverlayPlane): readonly PeerRecord[] | Promise<readonly PeerRecord[]>
  /** True when nothing that the network could add would change the answer. */
  isAnswered (held: readonly PeerRecord[]): boolean
  shape (onMore: () => void): (source: AsyncIterable<PeerRecord>) => AsyncGenerator<PeerRecord>
}

/**
 * One answer from all planes: what we hold at once, then what their walks find, as they find it. Lookups that ask the same at the
 * same time share one walk; it ends at its own deadline, so who joins it late waits less.
 */
export class Lookup implements LookupPort {
  readonly #deps: Deps
  readonly #budget: WalkBudget
  readonly #cache: AnswerCache
  readonly #walks = new SharedWalks<PlaneWalk, PeerRecord>({ callers: CALLERS_PER_WALK, items: RECORDS_PER_WALK })

  constructor (options: Options, deps: Deps) {
    this.#deps = deps
    this.#budget = new WalkBudget(options, deps.metrics)
    this.#cache = new AnswerCache({ entries: options.cacheEntries, ttlMs: options.cacheTtlMs, emptyTtlMs: options.cacheEmptyTtlMs })
  }

  /** Puts other bounds in force for the walks that begin from now on. */
  apply (bounds: WalkBudgetOptions): void {
    this.#budget.apply(bounds)
  }

  /** Reading the records throws Backpressure before the first one when too many lookups walk. */
  providers (key: MultihashKey, options: LookupOptions): Answer {
    return this.#answer({
      kind: 'providers',
      id: toId(key),
      held: plane => plane.heldProviders(key),
      walk: (plane, walk) => plane.walkProviders(key, walk),
      concerns: () => true,
      isAnswered: () => false, // others may hold providers that we do not
      shape: onMore => onePerPeer(options.limit, onMore),
    }, options)
  }

  /** One record at most: with addresses when any plane knows some. */
  peer (id: string, options: LookupOptions): Answer {
    return this.#answer({
      kind: 'peer',
      id,
      held: async plane => [await plane.heldPeer(id)].filter(record => record !== undefined),
      walk: (plane, walk) => plane.walkPeer(id, walk),
      concerns: record => record.id === id,
      isAnswered: held => held.some(record => record.addrs.length > 0),
      shape: () => firstWithAddresses,
    }, options)
  }

  /** The `limit` closest peers are the whole answer, so this one is never truncated by its limit. */
  closest (key: Uint8Array, options: LookupOptions): Answer {
    return this.#answer({
      kind: 'closest',
      id: toId(key),
      held: () => [],
      walk: (plane, walk) => plane.walkClosest(key, walk),
      concerns: () => true,
      isAnswered: () => false,
      shape: () => closestFirst(key, options.limit),
    }, options)
  }

  #answer (question: Asked, options: LookupOptions): Answer {
    const summary: AnswerSummary = { resolvedAt: this.#deps.now(), cached: false, truncated: undefined, trace: emptyTrace() }
    const span = options.span?.child(`lookup ${question.kind}`, { 'svc_dht.lookup.kind': question.kind, 'svc_dht.lookup.key': question.id })
    return { records: this.#counted(question, { ...options, span }, summary), summary }
  }

  async * #counted (question: Asked, options: LookupOptions, summary: AnswerSummary): AsyncGenerator<PeerRecord> {
    const { kind } = question
    const { metrics } = this.#deps
    const stopTimer = metrics.firstResultSeconds.startTimer({ kind })
    let records = 0
    let outcome: string = 'refused' // nothing but a refusal throws
    try {
      for await (const record of this.#records(question, options, summary)) {
        if (records === 0) stopTimer()
        records++
        outcome = 'stopped' // unless the reader comes back for more
        yield record
      }
      outcome = summary.truncated ?? (records === 0 ? 'empty' : 'complete')
    } finally {
      metrics.lookups.inc({ kind, outcome })
      options.span?.set({ 'svc_dht.lookup.outcome': outcome, 'svc_dht.lookup.records': records })
      options.span?.end(outcome === 'refused' || outcome === 'error' ? outcome : undefined)
    }
  }

  async * #records (question: Asked, { signal, span }: LookupOptions, summary: AnswerSummary): AsyncGenerator<PeerRecord> {
    const { held, hasFailed } = await this.#held(question)
    const isAnswered = question.isAnswered(held)
    const recent = isAnswered ? undefined : this.#cache.get(cacheKey(question), held, this.#deps.now())
    using seat = isAnswered || recent !== undefined ? undefined : this.#walk(question, held, { signal, span })
    if (!isAnswered) {
      const result = seat === undefined ? 'hit' : seat.isShared ? 'shared' : 'miss'
      this.#deps.metrics.cache.inc({ result })
      span?.set({ 'svc_dht.lookup.cache': result })
      if (seat?.isShared === true && seat.walk.span !== undefined) span?.link(seat.walk.span)
    }
    if (recent !== undefined) Object.assign(summary, { cached: true, resolvedAt: recent.resolvedAt })
    if (seat !== undefined) summary.trace = seat.walk.trace

    const admits = (id: string): boolean => this.#admits(id)
    let hasMore = false
    let isExhausted = false // or cut off, before the answer had all it wanted
    async function * sightings (): AsyncGenerator<PeerRecord> {
      yield * held
      for await (const record of seat?.items ?? recent?.found ?? []) if (admits(record.id)) yield record
      isExhausted = true
    }
    yield * pipe(sightings(), question.shape(() => { hasMore = true }))

    if (recent === undefined) summary.resolvedAt = seat?.walk.endedAt ?? this.#deps.now()
    const isSatisfied = isAnswered || (seat !== undefined && !isExhausted)
    if (hasMore || seat?.isFull === true) summary.truncated = 'limit'
    else if (isSatisfied) seat?.walk.finish()
    else if (hasFailed || seat?.walk.hasFailed === true) summary.truncated = 'error'
    else if (seat !== undefined && (seat.walk.endedAt === undefined || signal.aborted)) summary.truncated = 'deadline'
  }

  #walk (question: Asked, held: readonly PeerRecord[], { signal, span }: { readonly signal: AbortSignal, readonly span?: Span | undefined }) {
    const { planes, now } = this.#deps
    return this.#walks.join(cacheKey(question), () => new PlaneWalk(question, {
      planes,
      running: this.#budget.begin(question.kind, { span }),
      now,
      onFinish: (found, at) => this.#cache.put(cacheKey(question), found, held, at),
      onFailure: err => this.#warn(question, err),
    }), signal)
  }

  async #held (question: Asked): Promise<{ readonly held: readonly PeerRecord[], readonly hasFailed: boolean }> {
    let hasFailed = false
    const held = await Promise.all(this.#deps.planes.map(async plane => {
      try {
        return await question.held(plane)
      } catch (err) {
        hasFailed = true
        this.#warn(question, err)
        return []
      }
    }))
    return { held: held.flat().filter(({ id }) => this.#admits(id)), hasFailed }
  }

  #admits (peerId: string): boolean {
    return this.#deps.admits?.(peerId) ?? true
  }

  #warn (question: Question, err: unknown): void {
    this.#deps.log.warn({ event: 'plane_failed', err, kind: question.kind, key: question.id }, 'a plane failed during a lookup')
  }
}

function cacheKey (question: Question): string {
  return `${question.kind}:${question.id}`
}

function toId (key: Uint8Array): string {
  return Buffer.from(key).toString('base64url')
}
