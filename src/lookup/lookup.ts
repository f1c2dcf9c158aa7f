import { pipe } from 'it-pipe'
import type { Clock } from '../core/component.ts'
import type { MultihashKey } from '../core/key.ts'
import { emptyTrace, type PeerRecord, type Walk } from '../core/peer.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import { AnswerCache } from './answer-cache.ts'
import type { Answer, AnswerSummary, LookupOptions, LookupPort } from './answer.ts'
import { closestFirst } from './closest-first.ts'
import { firstWithAddresses } from './first-with-addresses.ts'
import { interleave } from './interleave.ts'
import { onePerPeer } from './one-per-peer.ts'
import type { OverlayPlane } from './ports.ts'
import { WalkBudget, type RunningWalk } from './walk-budget.ts'

interface Options {
  readonly deadlineMs: number
  readonly concurrent: number
  readonly cacheEntries: number
  readonly cacheTtlMs: number
  readonly cacheEmptyTtlMs: number
}

interface Deps {
  readonly planes: readonly OverlayPlane[]
  readonly metrics: Metrics['lookup']
  readonly log: Logger
  readonly now: Clock
}

type Shape = (source: AsyncIterable<PeerRecord>) => AsyncGenerator<PeerRecord>

/** What one kind of lookup asks each plane, and what makes an answer of the sightings. */
interface Question {
  readonly kind: 'providers' | 'peer' | 'closest'
  readonly id: string
  held (plane: OverlayPlane): readonly PeerRecord[] | Promise<readonly PeerRecord[]>
  walk (plane: OverlayPlane, walk: Walk): AsyncIterable<PeerRecord>
  concerns (record: PeerRecord): boolean
  /** True when nothing that the network could add would change the answer. */
  isAnswered (held: readonly PeerRecord[]): boolean
  shape (onMore: () => void): Shape
}

/** What happened on the way to one answer. */
interface Course {
  /** A plane could not say what it knows. */
  hasFailed: boolean
  /** The walks ended, or were cut off, before the answer had all it wanted. */
  isExhausted: boolean
  /** Sightings of the walks, for the cache. Bounded by the answer's limit, or k peers of each plane. */
  readonly found: Map<string, PeerRecord>
}

/** One answer from all planes: what we hold at once, then what their walks find, as they find it. */
export class Lookup implements LookupPort {
  readonly #deps: Deps
  readonly #budget: WalkBudget
  readonly #cache: AnswerCache

  constructor (options: Options, deps: Deps) {
    this.#deps = deps
    this.#budget = new WalkBudget(options, deps.metrics)
    this.#cache = new AnswerCache({ entries: options.cacheEntries, ttlMs: options.cacheTtlMs, emptyTtlMs: options.cacheEmptyTtlMs })
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

  #answer (question: Question, options: LookupOptions): Answer {
    const summary: AnswerSummary = { resolvedAt: this.#deps.now(), cached: false, truncated: undefined, trace: emptyTrace() }
    return { records: this.#counted(question, options, summary), summary }
  }

  async * #counted (question: Question, options: LookupOptions, summary: AnswerSummary): AsyncGenerator<PeerRecord> {
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
    }
  }

  async * #records (question: Question, { signal }: LookupOptions, summary: AnswerSummary): AsyncGenerator<PeerRecord> {
    const course: Course = { hasFailed: false, isExhausted: false, found: new Map() }
    const held = await this.#held(question, course)
    const isAnswered = question.isAnswered(held)
    const recent = isAnswered ? undefined : this.#recent(question, held)
    using walk = isAnswered || recent !== undefined ? undefined : this.#budget.begin(question.kind, signal)
    if (recent !== undefined) Object.assign(summary, { cached: true, resolvedAt: recent.resolvedAt })
    if (walk !== undefined) summary.trace = walk.trace

    let hasMore = false
    const sightings = walk === undefined ? recent?.found ?? [] : this.#walk(question, walk, course)
    yield * pipe(concat(held, sightings), question.shape(() => { hasMore = true }))

    if (recent === undefined) summary.resolvedAt = this.#deps.now()
    const isSatisfied = isAnswered || (walk !== undefined && !course.isExhausted)
    if (hasMore) summary.truncated = 'limit'
    else if (course.hasFailed && !isSatisfied) summary.truncated = 'error'
    else if (walk?.signal.aborted === true && !isSatisfied) summary.truncated = 'deadline'
    else if (walk !== undefined) this.#cache.put(cacheKey(question), [...course.found.values()], held, summary.resolvedAt)
  }

  #recent (question: Question, held: readonly PeerRecord[]) {
    const recent = this.#cache.get(cacheKey(question), held, this.#deps.now())
    this.#deps.metrics.cache.inc({ result: recent === undefined ? 'miss' : 'hit' })
    return recent
  }

  async #held (question: Question, course: Course): Promise<PeerRecord[]> {
    const held = await Promise.all(this.#deps.planes.map(async plane => {
      try {
        return await question.held(plane)
      } catch (err) {
        this.#failed(question, course, err)
        return []
      }
    }))
    return held.flat()
  }

  async * #walk (question: Question, walk: RunningWalk, course: Course): AsyncGenerator<PeerRecord> {
    const walks = this.#deps.planes.map(async function * (plane) { yield * question.walk(plane, walk) })
    const onFailure = (err: unknown): void => {
      if (!walk.signal.aborted) this.#failed(question, course, err) // aborted: planes throw, as their port says
    }
    for await (const record of interleave(walks, walk.signal, onFailure)) {
      if (!question.concerns(record)) continue
      if ((course.found.get(record.id)?.addrs.length ?? 0) === 0) course.found.set(record.id, record)
      yield record
    }
    course.isExhausted = true
  }

  #failed (question: Question, course: Course, err: unknown): void {
    course.hasFailed = true
    this.#deps.log.warn({ err, kind: question.kind, key: question.id }, 'a plane failed during a lookup')
  }
}

function cacheKey (question: Question): string {
  return `${question.kind}:${question.id}`
}

function toId (key: Uint8Array): string {
  return Buffer.from(key).toString('base64url')
}

async function * concat<T> (...parts: ReadonlyArray<Iterable<T> | AsyncIterable<T>>): AsyncGenerator<T> {
  for (const part of parts) yield * part
}
