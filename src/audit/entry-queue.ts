import type { Clock } from '../core/component.ts'
import type { ControlAction, Recorded } from '../core/control-action.ts'
import { DhtError } from '../core/errors.ts'
import type { Metrics } from '../observability/metrics.ts'
import { encodeEntry, parseEntry, type Entry } from './format/entry.ts'
import { encodeBundle } from './format/tile.ts'
import { leafHash } from './format/tree.ts'
import { encodeGroup, type Waiting } from './group.ts'
import type { LogState } from './reader.ts'
import type { Refusal } from './refusal.ts'
import type { LogStorage, Mark } from './storage/storage.ts'

/** Entries that one flush takes. */
const GROUP_ENTRIES = 4096

interface Deps {
  readonly state: LogState
  readonly storage: Pick<LogStorage, 'append' | 'writeMark'>
  readonly refusal: Refusal
  /** Whether a start has written what comes before its first entry. */
  readonly isBegun: () => boolean
  /** What the mark says of the log as it is now. */
  readonly toMark: () => Mark
  /** A write failed. Called before those whose entries it held are told so. */
  readonly onFailure: (err: unknown) => void
  /** An entry is durable. */
  readonly onEntry: (entry: Entry) => void
  /** A group is durable: it waits for a checkpoint. */
  readonly onGroup: () => void
  readonly metrics: Metrics['audit']
  readonly now: Clock
}

/** Actions that wait for their entries, and the one way to the disk for both entries and the mark that counts them. */
export class EntryQueue {
  readonly #limit: number
  readonly #deps: Deps
  /** Bounded by the limit, but for the log's own. */
  readonly #waiting: Waiting[] = []
  /** Entries are on disk that the mark does not count. */
  #isMarkBehind = false

  /** `limit`: actions that wait at most; more are refused. */
  constructor (limit: number, deps: Deps) {
    this.#limit = limit
    this.#deps = deps
  }

  /** @throws {DhtError} DegradedAudit when too many wait, BadRequest for an action that no entry can hold */
  add (action: ControlAction): Promise<Recorded> {
    const { state, metrics, now } = this.#deps
    if (this.#waiting.length >= this.#limit) {
      metrics.refused.inc({ reason: 'queue' })
      throw new DhtError('DegradedAudit', 'The audit log takes no more entries until the disk has caught up.', { retryAfterMs: 1000 })
    }
    // A mistake in the action is the caller's, and no reason to hold up the others of its group.
    encodeEntry(action, { seq: state.tail.size + this.#waiting.length + 1, tsMs: now(), prev: '0'.repeat(64) })
    const waiting = toWaiting(action)
    this.#waiting.push(waiting)
    return waiting.done.promise
  }

  /** An entry of the log about itself, with all that waits: behind it, or before it where only that place is the right one. */
  async commitOwn (action: ControlAction, { isFirst = false }: { readonly isFirst?: boolean } = {}): Promise<Recorded> {
    const own = toWaiting(action)
    own.done.promise.catch(() => {}) // told by the refusal, and to whoever waits for this
    if (isFirst) this.#waiting.unshift(own)
    else this.#waiting.push(own)
    await this.commit()
    return await own.done.promise
  }

  /** Writes what waits, group by group. Never throws: those whose entries cannot be written are told so. */
  async commit (): Promise<void> {
    const { refusal, isBegun } = this.#deps
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, GROUP_ENTRIES)
      if (refusal.isFinal || !isBegun()) for (const { done } of group) done.reject(refusal.toError())
      else await this.#write(group)
    }
  }

  async writeMark (): Promise<void> {
    this.#isMarkBehind = true
    await this.#deps.storage.writeMark(this.#deps.toMark())
    this.#isMarkBehind = false
  }

  async #write (group: readonly Waiting[]): Promise<void> {
    const { state: { tail }, storage, refusal, metrics, now, onFailure, onEntry, onGroup } = this.#deps
    const tsMs = now()
    const { added, kept } = encodeGroup(group, tail, tsMs)
    try {
      if (this.#isMarkBehind) await this.writeMark()
      await storage.append(encodeBundle(added))
    } catch (err) {
      // Of an append that failed half-way, an entry may be found after a crash, as after one before the answer.
      onFailure(err)
      for (const { done } of kept) done.reject(refusal.toError())
      return
    }
    const first = tail.size
    for (const bytes of added) tail.append(bytes, leafHash(bytes))
    // They are on disk and stay there: whatever becomes of the mark, which the next group waits for, their callers are told so.
    await this.writeMark().then(() => refusal.clear(), onFailure)
    kept.forEach(({ done, startedAt }, at) => {
      metrics.appendSeconds.observe((performance.now() - startedAt) / 1000)
      done.resolve({ seq: first + at, ts: tsMs })
    })
    metrics.size.set(tail.size)
    for (const bytes of added) onEntry(parseEntry(bytes))
    onGroup()
  }
}

function toWaiting (action: ControlAction): Waiting {
  return { action, startedAt: performance.now(), done: Promise.withResolvers<Recorded>() }
}
