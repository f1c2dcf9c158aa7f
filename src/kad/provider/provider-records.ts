import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock, Component } from '../../core/component.ts'
import { DhtError } from '../../core/errors.ts'
import type { MultihashKey } from '../../core/key.ts'
import { toMapKey } from '../../core/map-key.ts'
import type { PeerSet } from '../members/membership.ts'
import type { Metrics } from '../../observability/metrics.ts'
import { RateLimit } from '../../policy/rate-limit.ts'
import { exceededQuota, type QuotaLimits } from './quota.ts'
import type { ProviderRecord, RecordSource } from './record.ts'
import type { Holder, ProviderStore } from './store/store.ts'
import { TopHolders, type TopHolder } from './top-holders.ts'

/** May change while records are held. */
export interface ProviderLimits extends QuotaLimits {
  /** How long an announcement counts. Milliseconds. */
  readonly ttlMs: number
  readonly addsPerPeerPerSecond: number
}

interface Deps {
  readonly store: ProviderStore
  /** Providers whose records are taken and told. Absent: everybody's are. */
  readonly admits?: ((provider: Uint8Array) => boolean) | undefined
  readonly metrics: Metrics['providers']
  readonly now: Clock
}

/** An announcement whose sender and addresses were checked. */
export interface Claim {
  readonly key: MultihashKey
  readonly provider: Uint8Array
  readonly addrs: readonly Uint8Array[]
  readonly prefix: string | undefined
}

const EXPIRE_INTERVAL_MS = 500
/** Records removed before others get their turn: a few milliseconds' worth. */
const EXPIRE_BATCH = 2000
/** Rows looked at, and perhaps removed, before others get their turn. */
const REMOVE_ROWS = 4000
/** Holders looked at with each sweep: a million peers are gone through in two minutes, at a fraction of a millisecond each time. */
const HOLDER_ROWS = 4000

/** Takes announcements in within the quotas, hands out what is live, and removes what is over. */
export class ProviderRecords implements Component {
  #opts: ProviderLimits
  readonly #deps: Deps
  #rate: RateLimit
  readonly #top: Readonly<Record<Holder, TopHolders>>
  #timer: NodeJS.Timeout | undefined
  #nextBatch: NodeJS.Immediate | undefined

  constructor (opts: ProviderLimits, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
    this.#rate = new RateLimit({ perSecond: opts.addsPerPeerPerSecond })
    const { store, metrics } = deps
    const top = (holder: Holder) => new TopHolders({ rows: HOLDER_ROWS }, {
      tell: (slice, tell) => store.tellHolders(holder, slice, tell),
      onRanked: ranks => {
        for (const [index, records] of ranks.entries()) metrics.topRecords.set({ holder, rank: String(index + 1) }, records)
      },
    })
    this.#top = { peer: top('peer'), prefix: top('prefix') }
  }

  /**
   * Puts other limits in force at once. What is held stays for the time it was given, also beyond a cap that was lowered: nothing is
   * pushed out, what is new is refused until there is room, and refreshes are taken, which then count for the TTL of the day.
   */
  apply (limits: ProviderLimits): void {
    if (limits.addsPerPeerPerSecond !== this.#opts.addsPerPeerPerSecond) this.#rate = new RateLimit({ perSecond: limits.addsPerPeerPerSecond })
    this.#opts = limits
  }

  async start (): Promise<void> {
    this.#timer = setInterval(() => {
      this.#sweep()
      this.rankHolders()
    }, EXPIRE_INTERVAL_MS).unref()
  }

  async stop (): Promise<void> {
    clearInterval(this.#timer)
    clearImmediate(this.#nextBatch)
  }

  /** Removes all records of these providers, a few thousand rows at a time with turns for others in between. Says how many. */
  async removeProviders (providers: PeerSet): Promise<number> {
    const { store } = this.#deps
    let removed = 0
    const isGone = (provider: Uint8Array): boolean => providers.hasBytes(provider)
    for (let row: number | undefined = 0; row !== undefined;) {
      row = store.removeWhere(isGone, { from: row, rows: REMOVE_ROWS }, () => { removed++ })
      if (row !== undefined) await nextTurn()
    }
    return removed
  }

  /**
   * Holds a peer's announcement of itself. Idempotent: a repeat extends the time and refreshes the addresses.
   * @throws {DhtError} Backpressure, with the quota or rate that is exhausted as reason
   */
  announce (claim: Claim): 'created' | 'refreshed' {
    const { store, admits, now: clock } = this.#deps
    const now = clock()
    if (admits?.(claim.provider) === false) throw new DhtError('NoCapability', 'Only members are held.', { reason: 'member' })
    const waitMs = this.#rate.take(toMapKey(claim.provider), now)
    if (waitMs > 0) throw new DhtError('Backpressure', 'Too many announcements from this peer.', { retryAfterMs: waitMs, reason: 'rate' })
    if (!store.has(claim.key, claim.provider, now)) {
      const { key, provider, prefix } = claim
      const ofPrefix = prefix === undefined ? undefined : store.ofPrefix(prefix)
      const exceeded = exceededQuota({ total: store.size, ofPeer: store.ofPeer(provider), ofPrefix, ofKey: store.ofKey(key) }, this.#opts)
      if (exceeded !== undefined) throw new DhtError('Backpressure', 'A provider quota is exhausted.', { retryAfterMs: 60_000, reason: exceeded })
    }
    return this.#hold(claim, now + this.#opts.ttlMs, 'rpc')
  }

  /**
   * Holds an announcement that this daemon's operator asked for, until `expiresAt`. Only the total quota applies.
   * @throws {DhtError} Backpressure when the store is full
   */
  hold (claim: Claim, expiresAt: number): 'created' | 'refreshed' {
    const { store, now } = this.#deps
    if (store.size >= this.#opts.records && !store.has(claim.key, claim.provider, now())) {
      throw new DhtError('Backpressure', 'The provider store is full.', { retryAfterMs: 60_000, reason: 'quota_total' })
    }
    return this.#hold(claim, expiresAt, 'operator')
  }

  withdraw (key: MultihashKey, provider: Uint8Array): boolean {
    return this.#deps.store.remove(key, provider)
  }

  /** Live records of the key, in random order, so that every provider gets its share of the clients. */
  shuffled (key: MultihashKey): ProviderRecord[] {
    return shuffle([...this.held(key)])
  }

  held (key: MultihashKey): readonly ProviderRecord[] {
    const { store, admits, now } = this.#deps
    const records = store.get(key, now())
    return admits === undefined ? records : records.filter(({ provider }) => admits(provider))
  }

  addressesOf (provider: Uint8Array): readonly Uint8Array[] | undefined {
    return this.#deps.store.addressesOf(provider)
  }

  /** What `ronctl quotas` shows of a peer. */
  usage (provider: Uint8Array): { readonly records: number, readonly available: number } {
    const { store, now } = this.#deps
    return { records: store.ofPeer(provider), available: this.#rate.available(toMapKey(provider), now()) }
  }

  usageOfPrefix (prefix: string): number {
    return this.#deps.store.ofPrefix(prefix)
  }

  /** Who held most when all were last looked at, a slice with each sweep. */
  topHolders (holder: Holder): readonly TopHolder[] {
    return this.#top[holder].ranked
  }

  get limits (): QuotaLimits & { readonly addsPerPeerPerSecond: number } { return this.#opts }
  get size (): number { return this.#deps.store.size }
  get keys (): number { return this.#deps.store.keys }
  get expiryLagMs (): number { return this.#deps.store.expiryLagMs(this.#deps.now()) }

  /** Removes a batch of what has expired. True when there may be more. */
  removeExpired (): boolean {
    const { store, metrics, now } = this.#deps
    const removed = store.expire(now(), EXPIRE_BATCH)
    metrics.expired.inc(removed)
    metrics.expiryLag.set(store.expiryLagMs(now()) / 1000)
    metrics.records.set(store.size)
    metrics.keys.set(store.keys)
    metrics.bytes.set(store.sizeBytes)
    return removed === EXPIRE_BATCH
  }

  /** Looks at the next slice of those that hold records. */
  rankHolders (): void {
    this.#top.peer.look()
    this.#top.prefix.look()
  }

  /** Batch after batch, a turn of the event loop apart, until nothing is left to remove. */
  #sweep (): void {
    clearImmediate(this.#nextBatch)
    if (this.removeExpired()) this.#nextBatch = setImmediate(() => this.#sweep())
  }

  #hold (claim: Claim, expiresAt: number, source: RecordSource): 'created' | 'refreshed' {
    const { store, metrics, now } = this.#deps
    const result = store.upsert({ ...claim, receivedAt: now(), expiresAt, source })
    metrics.upserts.inc({ result })
    return result
  }
}

/** Fisher–Yates. Not for secrets: it spreads load. */
function shuffle<T> (members: T[]): T[] {
  for (let last = members.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1))
    const member = members[last] as T
    members[last] = members[other] as T
    members[other] = member
  }
  return members
}
