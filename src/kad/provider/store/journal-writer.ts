import { setTimeout as sleep } from 'node:timers/promises'
import type { MultihashKey } from '../../../core/key.ts'
import { fromMapKey } from '../../../core/map-key.ts'
import type { Metrics } from '../../../observability/metrics.ts'
import type { Journal, ProviderChanges, SavedRecord } from './journal/journal.ts'
import type { ProviderStore } from './store.ts'
import { UnsavedRecords, type UnsavedOfProvider } from './unsaved-records.ts'

interface Options {
  /** Unsaved records from which on no announcement is taken. */
  readonly limit: number
  /** How long a write waits for others to share its transaction. Milliseconds. */
  readonly intervalMs: number
}

interface Deps {
  readonly index: Pick<ProviderStore, 'find' | 'addressesOf'>
  readonly journal: Pick<Journal, 'commit'>
  readonly metrics: Pick<Metrics['providers'], 'commitSeconds' | 'pending'>
}

/** Records in one transaction: reading them from the index takes the event loop a few milliseconds, and up to 25 once, while the code is cold. */
const BATCH_RECORDS = 1024

/** Brings what changed in the index to the journal, in groups. */
export class JournalWriter {
  readonly #opts: Options
  readonly #deps: Deps
  readonly #unsaved = new UnsavedRecords()
  /** Records in the transaction that is under way. */
  #inFlight = 0
  #expiredBy: number | undefined
  /** Providers whose records go from disk with the next batch. Bounded by those that had some when they were removed. */
  #dropped = new Set<string>()
  #commits = 0
  #onMarked = Promise.withResolvers<void>()

  constructor (opts: Options, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
  }

  /** Records that are not on disk yet in their present state. */
  get pending (): number { return this.#unsaved.size + this.#inFlight }
  get isFull (): boolean { return this.pending >= this.#opts.limit }
  get isDone (): boolean { return this.pending === 0 && this.#expiredBy === undefined && this.#dropped.size === 0 }
  /** The number of the last commit that the journal confirmed. */
  get commits (): number { return this.#commits }

  /** Also beyond the limit: the caller has asked `isFull`, or it is a withdrawal, of which our own announcements bound the number. */
  mark (key: MultihashKey, provider: Uint8Array): void {
    this.#unsaved.add(key, provider)
    this.#deps.metrics.pending.set(this.pending)
    this.#onMarked.resolve()
  }

  /** A record that is gone because its time was over. When too many wait they are not noted, but found on disk by their time. */
  markExpired (key: MultihashKey, provider: Uint8Array, now: number): void {
    if (this.isFull) this.removeExpired(now)
    else this.mark(key, provider)
  }

  /** Lets the next batch remove every record from disk that expired at `now` or before. */
  removeExpired (now: number): void {
    this.#expiredBy = Math.max(this.#expiredBy ?? 0, now)
    this.#onMarked.resolve()
  }

  /** Lets the next batch remove all records of these providers from disk, before it writes what the index holds of them then. */
  dropProviders (providers: Iterable<string>): void {
    for (const provider of providers) this.#dropped.add(provider)
    this.#onMarked.resolve()
  }

  /** Commits what comes, until the signal. Rejects with the journal's fault. */
  async run (signal: AbortSignal): Promise<void> {
    const stopped = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
    while (!signal.aborted) {
      this.#onMarked = Promise.withResolvers()
      if (this.isDone) await Promise.race([this.#onMarked.promise, stopped])
      if (this.#unsaved.size < BATCH_RECORDS) await sleep(this.#opts.intervalMs, undefined, { signal, ref: false }).catch(() => {}) // ends early to stop
      if (!signal.aborted) await this.commitBatch()
    }
  }

  /** Commits a batch of what is unsaved. A batch that fails is unsaved again. */
  async commitBatch (): Promise<void> {
    const { journal, metrics } = this.#deps
    const taken = this.#unsaved.take(BATCH_RECORDS)
    const expiredBy = this.#expiredBy
    const dropped = this.#dropped
    this.#inFlight = taken.reduce((count, { keys }) => count + keys.length, 0)
    this.#expiredBy = undefined
    this.#dropped = new Set()
    const startedAt = performance.now()
    try {
      this.#commits = await journal.commit({ expiredBy, dropped: [...dropped].map(fromMapKey), changes: taken.map(unsaved => this.#toChanges(unsaved)) })
      metrics.commitSeconds.observe((performance.now() - startedAt) / 1000)
    } catch (err) {
      this.#unsaved.putBack(taken)
      if (expiredBy !== undefined) this.removeExpired(expiredBy)
      this.dropProviders(dropped)
      throw err
    } finally {
      this.#inFlight = 0
      metrics.pending.set(this.pending)
    }
  }

  /**
   * As the index has it now: the addresses too, which a record may have brought that came and went since the last batch.
   * A provider is forgotten with the last of its records, and no earlier: they name its row.
   */
  #toChanges ({ provider, keys, hasMore }: UnsavedOfProvider): ProviderChanges {
    const { index } = this.#deps
    const held: SavedRecord[] = []
    const gone: MultihashKey[] = []
    for (const key of keys) {
      const record = index.find(key, provider)
      if (record === undefined) gone.push(key)
      else held.push({ key, receivedAt: record.receivedAt, expiresAt: record.expiresAt, source: record.source, prefix: record.prefix })
    }
    const addrs = index.addressesOf(provider)
    return { provider, addrs, held, gone, isForgotten: addrs === undefined && !hasMore }
  }
}
