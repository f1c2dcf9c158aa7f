import { toMapKey } from '../core/map-key.ts'
import type { Clock, Component } from '../core/component.ts'
import { printDuration } from '../core/duration.ts'
import { DhtError } from '../core/errors.ts'
import type { MultihashKey } from '../core/key.ts'
import { emptyTrace, type Walk, type WalkTrace } from '../core/peer.ts'
import type { Span } from '../core/span.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { WriteGate } from '../policy/write-gate.ts'
import type { ProviderRecords } from './provider/provider-records.ts'
import { isLive, type ProviderRecord } from './provider/record.ts'
import type { Publisher, Published } from './publisher.ts'
import { encodePeer } from './rpc/message.ts'

/** May change while keys are announced. */
export interface AnnouncementTtl {
  readonly ttlMs: number
  readonly maxTtlMs: number
}

interface Options extends AnnouncementTtl {
  /** Percent of its TTL after which an announcement is repeated. */
  readonly republishPercent: number
  /** Keys announced at most. */
  readonly limit: number
}

interface Deps {
  readonly self: Uint8Array
  /** Our own addresses, as others may dial them. */
  readonly addresses: () => readonly Uint8Array[]
  readonly records: Pick<ProviderRecords, 'hold' | 'withdraw'>
  readonly publisher: Pick<Publisher, 'publishProvider'>
  /** Why there is nobody to tell; undefined while there is somebody. Absent: there always is. */
  readonly alone?: (() => string | undefined) | undefined
  /** Absent: writes are never refused. */
  readonly writes?: Pick<WriteGate, 'assertOpen' | 'stops'> | undefined
  /** What was announced before a restart, for a store that outlives one; undefined for one that does not. */
  readonly announcedBefore?: (() => Promise<ReadonlyArray<Pick<ProviderRecord, 'provider' | 'expiresAt'> & { readonly key: MultihashKey }>>) | undefined
  readonly metrics: Metrics['kad']
  readonly log: Logger
  readonly now: Clock
}

interface Announced extends Published {
  readonly created: boolean
  readonly expiresAt: number
  readonly trace: WalkTrace
}

interface Announcement {
  readonly key: MultihashKey
  expiresAt: number
  repeatAt: number
  /** Until when other peers may still hold what we last told them. */
  othersUntil: number
}

const REPEAT_INTERVAL_MS = 5000
const REPEAT_TIMEOUT_MS = 60_000
/** Keys republished at the same time. */
const REPEAT_CONCURRENCY = 4

/** What this daemon provides on its operator's behalf: announced now, and again until its time is over or it is withdrawn, also across restarts. */
export class Announcer implements Component {
  #opts: Options
  readonly #deps: Deps
  /** Bounded by `limit`. */
  readonly #announcements = new Map<string, Announcement>()
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #repeating: Promise<void> = Promise.resolve()
  #isRepeating = false

  constructor (opts: Options, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
  }

  /**
   * Puts another TTL in force. What is announced keeps the time that the operator asked for; under a shorter TTL it is repeated
   * sooner, since others then forget it sooner.
   */
  apply ({ ttlMs, maxTtlMs }: AnnouncementTtl): void {
    this.#opts = { ...this.#opts, ttlMs, maxTtlMs }
    const latest = this.#deps.now() + this.#repeatAfterMs
    for (const announcement of this.#announcements.values()) announcement.repeatAt = Math.min(announcement.repeatAt, latest)
  }

  get size (): number { return this.#announcements.size }

  async start (): Promise<void> {
    this.#timer = setInterval(() => this.#startRepeating(), REPEAT_INTERVAL_MS).unref()
    void this.#deps.announcedBefore?.().then(records => this.#resume(records)) // settles when the disk was read, which may be never
  }

  async stop (): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping.abort()
    await this.#repeating
  }

  /**
   * What `announce` would refuse at once, before anything is held: for who keeps a log of what is done.
   * @throws {DhtError} BadRequest for a TTL beyond the cap, Backpressure at the limit of keys, NotReady without an address to tell or anybody to tell it; why writes are refused, while they are
   */
  assertAnnounces (key: MultihashKey, { ttlMs = this.#opts.ttlMs }: { readonly ttlMs?: number }): void {
    const { writes, alone, addresses } = this.#deps
    const { maxTtlMs, limit } = this.#opts
    writes?.assertOpen()
    if (!(ttlMs >= 1000 && ttlMs <= maxTtlMs)) {
      throw new DhtError('BadRequest', `A TTL is between 1s and ${printDuration(maxTtlMs)}.`, { hint: 'See providers.maxTtl.' })
    }
    if (!this.#announcements.has(toMapKey(key)) && this.#announcements.size >= limit) {
      throw new DhtError('Backpressure', `This daemon announces ${limit} keys already.`, { hint: 'Withdraw some, or raise providers.announced.', retryAfterMs: 60_000 })
    }
    assertDialable(addresses())
    const why = alone?.()
    if (why !== undefined) throw new DhtError('NotReady', `There is nobody to tell: ${why}.`, { hint: 'Nothing was announced. `ronctl ready` tells when there is somebody.', retryAfterMs: 5000 })
  }

  /**
   * Holds our own record and brings it to the closest peers. A repeat extends the time, never shortens it.
   * @throws {DhtError} as {@link assertAnnounces}
   */
  async announce (key: MultihashKey, options: { readonly ttlMs?: number, readonly signal: AbortSignal, readonly span?: Span | undefined }): Promise<Announced> {
    this.assertAnnounces(key, options)
    const { ttlMs = this.#opts.ttlMs, signal } = options
    const name = toMapKey(key)
    const known = this.#announcements.get(name)
    const now = this.#deps.now()
    const expiresAt = Math.max(known?.expiresAt ?? 0, now + ttlMs)
    const announcement = known ?? { key: Uint8Array.from(key), expiresAt, repeatAt: 0, othersUntil: now }
    announcement.expiresAt = expiresAt
    this.#hold(announcement)
    this.#announcements.set(name, announcement)
    this.#deps.metrics.announcedKeys.set(this.#announcements.size)

    const trace = emptyTrace()
    const published = await this.#publishTraced(announcement, { signal: AbortSignal.any([signal, this.#stopping.signal]), trace }, options.span)
    return { ...published, created: known === undefined, expiresAt, trace }
  }

  /** Ends the announcement here. Others forget it by its TTL: the time until then, or undefined when there was none. */
  async withdraw (key: MultihashKey): Promise<number | undefined> {
    const announcement = this.#announcements.get(toMapKey(key))
    if (announcement === undefined) return undefined
    this.#forget(announcement)
    return announcement.othersUntil
  }

  /** Repeats what is due; what is over is forgotten. While writes are refused nothing is repeated: it stays due until they are taken. */
  async repeatDue (): Promise<void> {
    const now = this.#deps.now()
    for (const announcement of this.#announcements.values()) if (announcement.expiresAt <= now) this.#forget(announcement)
    if ((this.#deps.writes?.stops.length ?? 0) > 0) return
    const due = [...this.#announcements.values()].filter(({ repeatAt }) => repeatAt <= now).values()
    await Promise.all(Array.from({ length: REPEAT_CONCURRENCY }, async () => {
      for (const announcement of due) {
        if (this.#stopping.signal.aborted) return
        const isWithdrawn = this.#announcements.get(toMapKey(announcement.key)) !== announcement
        if (!isWithdrawn) await this.#repeat(announcement)
      }
    }))
  }

  /** Takes up what was announced before a restart, due at once: our addresses may be others now, and so may our peer ID. */
  #resume (records: Awaited<ReturnType<NonNullable<Deps['announcedBefore']>>>): void {
    if (this.#stopping.signal.aborted) return
    const { self, records: held, metrics, log, now } = this.#deps
    let skipped = 0
    for (const { key, provider, expiresAt } of records) {
      const name = toMapKey(key)
      if (!isEqual(provider, self)) held.withdraw(key, provider)
      if (!isLive({ expiresAt }, now()) || this.#announcements.has(name)) continue
      if (this.#announcements.size < this.#opts.limit) this.#announcements.set(name, { key, expiresAt, repeatAt: now(), othersUntil: expiresAt })
      else skipped++
    }
    metrics.announcedKeys.set(this.#announcements.size)
    if (skipped > 0) log.warn({ event: 'announcements_skipped', keys: skipped }, 'not announced again after the restart: beyond providers.announced')
    this.#startRepeating()
  }

  #startRepeating (): void {
    if (this.#isRepeating) return
    this.#isRepeating = true
    this.#repeating = this.repeatDue()
      .catch(err => this.#deps.log.error({ event: 'announcing_failed', err }, 'repeating announcements failed'))
      .finally(() => { this.#isRepeating = false })
  }

  async #repeat (announcement: Announcement): Promise<void> {
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(REPEAT_TIMEOUT_MS)])
    try {
      this.#hold(announcement) // our addresses may have changed
      const { reached } = await this.#publish(announcement, { signal, trace: emptyTrace() })
      this.#deps.log.debug({ reached }, 'announcement repeated')
    } catch (err) {
      this.#deps.log.warn({ event: 'announcement_failed', err }, 'an announcement could not be repeated; trying again')
    }
  }

  async #publishTraced (announcement: Announcement, walk: Walk, parent: Span | undefined): Promise<Published> {
    const span = parent?.child('announce', { 'svc_dht.lookup.key': Buffer.from(announcement.key).toString('base64url') })
    try {
      const published = await this.#publish(announcement, { ...walk, span })
      span?.set({ 'svc_dht.announce.reached': published.reached, 'svc_dht.announce.attempted': published.attempted, 'svc_dht.walk.messages': walk.trace.messages, 'svc_dht.walk.hops': walk.trace.hops })
      span?.end()
      return published
    } catch (err) {
      span?.end(err instanceof Error ? err.name : 'Error')
      throw err
    }
  }

  async #publish (announcement: Announcement, walk: Walk): Promise<Published> {
    const { self, addresses, publisher, now } = this.#deps
    // Set first, so that a failure is tried again soon and not in a tight loop.
    announcement.repeatAt = now() + REPEAT_TIMEOUT_MS
    const published = await publisher.publishProvider(announcement.key, encodePeer({ id: self, addrs: addresses() }), walk)
    if (published.reached > 0) {
      announcement.repeatAt = now() + this.#repeatAfterMs
      announcement.othersUntil = now() + this.#opts.ttlMs
    }
    return published
  }

  get #repeatAfterMs (): number { return this.#opts.ttlMs * this.#opts.republishPercent / 100 }

  #hold ({ key, expiresAt }: Announcement): void {
    const { self, addresses, records } = this.#deps
    const addrs = addresses()
    assertDialable(addrs)
    records.hold({ key, provider: self, addrs, prefix: undefined }, expiresAt)
  }

  #forget (announcement: Announcement): void {
    this.#announcements.delete(toMapKey(announcement.key))
    this.#deps.records.withdraw(announcement.key, this.#deps.self)
    this.#deps.metrics.announcedKeys.set(this.#announcements.size)
  }
}

/** @throws {DhtError} NotReady */
function assertDialable (addrs: readonly Uint8Array[]): void {
  if (addrs.length > 0) return
  throw new DhtError('NotReady', 'This daemon has no address that others may dial.', { hint: 'Set kad.announce, or kad.addresses = "any" on a private network.', retryAfterMs: 5000 })
}

function isEqual (a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
