import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Clock, Component } from '../../../core/component.ts'
import { DhtError } from '../../../core/errors.ts'
import type { MultihashKey } from '../../../core/key.ts'
import { toMapKey } from '../../../core/map-key.ts'
import type { ReadinessCheck } from '../../../core/readiness.ts'
import type { Logger } from '../../../observability/logger.ts'
import type { Metrics } from '../../../observability/metrics.ts'
import { isLive, type Announcement, type ProviderRecord } from '../record.ts'
import { JournalError, type Journal, type JournalContents } from './journal/journal.ts'
import { JournalWriter } from './journal-writer.ts'
import type { Holder, OnRemoved, ProviderStore, Slice } from './store.ts'

interface Pace {
  /** Records that may wait for the disk; announcements beyond it are refused. */
  readonly pendingRecords: number
  /** How long a write waits for others to share its transaction. Milliseconds. */
  readonly commitIntervalMs: number
  /** How long to wait after a fault of the disk: first, doubled each time, and at most. Milliseconds. */
  readonly retryMs: readonly [first: number, longest: number]
  /** How long the first opening may take: a disk that hangs must not keep the daemon from saying so. Milliseconds. */
  readonly openTimeoutMs: number
}

interface Options extends Pace {
  /** How long the last writes may take to reach the disk when the store stops. Milliseconds. */
  readonly drainTimeoutMs: number
}

/** A daemon's: on disk within half a second, five seconds' worth of a heavy load in the queue, and the restart budget to open the file. */
export const DAEMON_PACE: Pace = { pendingRecords: 50_000, commitIntervalMs: 250, retryMs: [250, 5000], openTimeoutMs: 10_000 }

interface Deps {
  /** Answers all reads. Empty at the start. */
  readonly index: ProviderStore
  readonly journal: Journal
  readonly metrics: Metrics['providers']
  readonly log: Logger
  readonly now: Clock
}

/**
 * An index in memory, and a journal that it comes back from after a restart or a crash. Reads never wait for the disk, nor do
 * writes: they are in the index at once and on disk a commit later. While they cannot get there, announcements are refused.
 */
export class PersistentProviderStore implements ProviderStore, Component, ReadinessCheck {
  readonly name = 'store'
  readonly #opts: Options
  readonly #deps: Deps
  readonly #writer: JournalWriter
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  /** Records that were read back, of so many; undefined once all are. */
  #replay: { done: number, of: number } | undefined = { done: 0, of: 0 }
  readonly #readBackOnce = Promise.withResolvers<readonly Announcement[]>()
  #opened: JournalContents | undefined
  #wasOpened = false
  #knownCommits = 0
  #fault: JournalError | undefined
  /** Providers whose records are being removed. Bounded by those that have some. */
  readonly #leaving = new Set<string>()
  #retryMs: number

  constructor (opts: Options, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
    this.#retryMs = opts.retryMs[0]
    this.#writer = new JournalWriter({ limit: opts.pendingRecords, intervalMs: opts.commitIntervalMs }, deps)
  }

  /**
   * Opens the journal and begins to read it back. A disk that does not work is no reason not to start.
   * @throws {DhtError} Conflict for a file that is not ours to use, StoreUnavailable for a disk that does not answer at all
   */
  async start (): Promise<void> {
    this.#deps.metrics.restarts.inc({ service: 'journal' }, 0)
    try {
      this.#opened = await this.#openInTime()
    } catch (err) {
      if (err instanceof DhtError) throw err
      if (err instanceof JournalError && err.fault === 'refused') {
        await this.#deps.journal.close()
        throw new DhtError('Conflict', `Provider records cannot be kept: ${err.message}.`, { cause: err })
      }
      this.#fail(err)
    }
    this.#running = this.#run()
  }

  /** Brings what is unsaved to disk, for as long as the drain time allows. A disk that hangs is left then: no commit that it confirmed is lost. */
  async stop (): Promise<void> {
    this.#stopping.abort()
    const patience = new AbortController()
    const hangs = sleep(this.#opts.drainTimeoutMs, true, { signal: patience.signal }).catch(() => false)
    const isLate = await Promise.race([this.#running?.then(() => false), hangs])
    patience.abort()
    if (isLate === true) {
      this.#deps.log.error({ event: 'store_left_behind', drain_ms: this.#opts.drainTimeoutMs }, 'the disk of the provider records does not answer: it is left behind. If it hangs on, so does the end of this process, until it is killed')
      this.#deps.journal.abandon()
    }
    if (this.pending > 0) this.#deps.log.error({ event: 'records_left_unsaved', records: this.pending }, 'stopped before all provider records were on disk: these are in their earlier state there')
  }

  /** Why provider records are not kept as they should be. */
  reason (): string | undefined {
    if (this.#fault !== undefined) return this.#fault.message
    if (this.#replay !== undefined) return `replaying provider records: ${this.#replay.done} of ${this.#replay.of}`
    return this.#writer.isFull ? `writes lag: ${this.#writer.pending} provider records wait for the disk` : undefined
  }

  /** Records that were held for our operator, expired or not, once all is read back. Bounded by what the operator may announce. */
  get operatorRecords (): Promise<readonly Announcement[]> { return this.#readBackOnce.promise }

  /** Records that are not on disk yet in their present state. */
  get pending (): number { return this.#writer.pending }

  get size (): number { return this.#deps.index.size }
  get keys (): number { return this.#deps.index.keys }
  get sizeBytes (): number { return this.#deps.index.sizeBytes }

  upsert (announcement: Announcement): 'created' | 'refreshed' {
    if (this.reason() !== undefined) {
      throw new DhtError('StoreUnavailable', 'Provider records cannot be saved now.', { hint: '/readyz of the daemon says why.', retryAfterMs: 5000, reason: 'store' })
    }
    const result = this.#deps.index.upsert(announcement)
    this.#writer.mark(announcement.key, announcement.provider)
    return result
  }

  /** Never refused: it only takes away. */
  remove (key: MultihashKey, provider: Uint8Array): boolean {
    const isRemoved = this.#deps.index.remove(key, provider)
    if (isRemoved) this.#writer.mark(key, provider)
    return isRemoved
  }

  expire (now: number, limit: number, onRemoved?: OnRemoved): number {
    return this.#deps.index.expire(now, limit, (key, provider) => {
      this.#writer.markExpired(key, provider, now)
      onRemoved?.(key, provider)
    })
  }

  /** On disk all records of a provider go at once, when the last of them has left the index: one that is left would be written anew. */
  removeWhere (isGone: (provider: Uint8Array) => boolean, slice: Slice, onRemoved: OnRemoved): number | undefined {
    const next = this.#deps.index.removeWhere(isGone, slice, (key, provider) => {
      this.#leaving.add(toMapKey(provider))
      onRemoved(key, provider)
    })
    if (next === undefined) {
      this.#writer.dropProviders(this.#leaving)
      this.#leaving.clear()
    }
    return next
  }

  get (key: MultihashKey, now: number): readonly ProviderRecord[] { return this.#deps.index.get(key, now) }
  has (key: MultihashKey, provider: Uint8Array, now: number): boolean { return this.#deps.index.has(key, provider, now) }
  find (key: MultihashKey, provider: Uint8Array): ProviderRecord | undefined { return this.#deps.index.find(key, provider) }
  tellHolders (holder: Holder, slice: Slice, tell: (who: Uint8Array | string, records: number) => void): number | undefined { return this.#deps.index.tellHolders(holder, slice, tell) }
  expiryLagMs (now: number): number { return this.#deps.index.expiryLagMs(now) }
  ofPeer (provider: Uint8Array): number { return this.#deps.index.ofPeer(provider) }
  ofPrefix (prefix: string): number { return this.#deps.index.ofPrefix(prefix) }
  ofKey (key: MultihashKey): number { return this.#deps.index.ofKey(key) }
  addressesOf (provider: Uint8Array): readonly Uint8Array[] | undefined { return this.#deps.index.addressesOf(provider) }

  /** Reads back and writes, until the store stops. After a fault it opens the journal again, later and later. */
  async #run (): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        this.#opened ??= await this.#reopen()
        await this.#serve(this.#opened)
      } catch (err) {
        this.#opened = undefined
        this.#fail(err)
        if (this.#fault?.fault === 'damaged') break
        await sleep(this.#retryMs, undefined, { signal, ref: false }).catch(() => {}) // ends early to stop
        this.#retryMs = Math.min(this.#retryMs * 2, this.#opts.retryMs[1])
      }
    }
    await this.#finish()
  }

  async #openInTime (): Promise<JournalContents> {
    const patience = new AbortController()
    const hangs = sleep(this.#opts.openTimeoutMs, undefined, { signal: patience.signal }).catch(() => undefined)
    const opening = this.#open()
    opening.catch(() => {}) // abandoned, it fails when nobody waits any more
    const contents = await Promise.race([opening, hangs]).finally(() => patience.abort())
    if (contents !== undefined) return contents
    this.#deps.journal.abandon()
    throw new DhtError('StoreUnavailable', `The disk of the provider records did not answer within ${this.#opts.openTimeoutMs / 1000} s.`, {
      hint: 'Look at node.dataDir and its file system: a mount that hangs, or a failing disk.',
    })
  }

  async #reopen (): Promise<JournalContents> {
    this.#deps.metrics.restarts.inc({ service: 'journal' })
    return await this.#open()
  }

  async #open (): Promise<JournalContents> {
    const contents = await this.#deps.journal.open({ create: !this.#wasOpened })
    this.#wasOpened = true
    const known = Math.max(this.#knownCommits, this.#writer.commits)
    if (contents.commits < known) {
      throw new JournalError('damaged', `the file of provider records has ${contents.commits} of the ${known} commits that were made: it is an older copy. Stop the daemon and put the newer one back`)
    }
    this.#knownCommits = contents.commits
    return contents
  }

  async #serve ({ records, obstacle }: JournalContents): Promise<void> {
    const { signal } = this.#stopping
    if (this.#replay !== undefined) await this.#readBack(records)
    if (obstacle !== undefined) throw new JournalError(obstacle.fault, obstacle.message)
    // That a disk works again is seen by writing what it did not take.
    if (this.#fault !== undefined && !this.#writer.isDone) await this.#writer.commitBatch()
    if (this.#fault !== undefined) this.#deps.log.info({ event: 'records_saved_again' }, 'provider records are saved again')
    this.#fault = undefined
    this.#retryMs = this.#opts.retryMs[0]
    await this.#writer.run(signal)
  }

  /** In slices, so that the event loop answers others in between. */
  async #readBack (records: number): Promise<void> {
    const { index, journal, metrics, log, now } = this.#deps
    const replay = this.#replay = { done: 0, of: records }
    const startedAt = performance.now()
    let expired = 0
    const ofOperator: Announcement[] = []
    for await (const announcements of journal.replay()) {
      const time = now()
      for (const announcement of announcements) {
        if (isLive(announcement, time)) index.upsert(announcement)
        else expired++
        if (announcement.source === 'operator') ofOperator.push({ ...announcement, key: Uint8Array.from(announcement.key) }) // not the whole chunk
      }
      replay.done += announcements.length
      metrics.replayed.set(replay.done - expired)
      if (this.#stopping.signal.aborted) return
      await nextTurn()
    }
    this.#replay = undefined
    this.#readBackOnce.resolve(ofOperator)
    if (expired > 0) this.#writer.removeExpired(now())
    log.info({ event: 'records_replayed', records: replay.done - expired, expired, seconds: (performance.now() - startedAt) / 1000 }, 'provider records replayed')
  }

  async #finish (): Promise<void> {
    try {
      if (this.#opened !== undefined && this.#replay === undefined) while (!this.#writer.isDone) await this.#writer.commitBatch()
    } catch (err) {
      this.#fail(err)
    }
    await this.#deps.journal.close()
  }

  #fail (err: unknown): void {
    const fault = err instanceof JournalError ? err : new JournalError('io', `provider records cannot be saved: ${(err as Error).message}`, { cause: err })
    this.#deps.metrics.failures.inc({ kind: fault.fault })
    if (this.#fault?.message !== fault.message) this.#deps.log.error({ event: 'records_not_saved', err: fault, fault: fault.fault }, 'provider records are not saved')
    this.#fault = fault
  }
}
