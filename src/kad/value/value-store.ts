import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../core/component.ts'
import { DhtError } from '../../core/errors.ts'
import { toMapKey } from '../../core/map-key.ts'
import type { Metrics } from '../../observability/metrics.ts'
import type { PeerSet } from '../members/membership.ts'
import { Rows } from '../provider/store/columns.ts'
import { ExpiryLine } from '../provider/store/expiry-line.ts'
import { assertValidValue } from './namespaces.ts'
import { encodeValueRecord } from './value-record.ts'

/** May change while values are held. */
export interface ValueLimits {
  /** Values held in all, and of one sender. */
  readonly records: number
  readonly recordsPerPeer: number
  /** How long a value is served after it came in, if it does not end by itself before. Milliseconds. */
  readonly ttlMs: number
}

interface Deps {
  readonly metrics: Pick<Metrics['kad'], 'values'>
  readonly now: Clock
}

/** A value where it is held. A newer one replaces its content in place, so that nothing of the old one lingers. */
interface HeldValue {
  readonly key: string
  /** Its place in the order of expiry. */
  readonly row: number
  value: Uint8Array
  /** The record message, encoded once. */
  record: Uint8Array
  /** Who sent it, for the quota. */
  from: string
}

/** Validations that may wait at one time, for all keys; each is a signature check. */
const MAX_WAITING = 1024
const EXPIRE_BATCH = 1000
/** Values looked at, and perhaps removed, before others get their turn. */
const REMOVE_BATCH = 10_000

/** Values in memory: valid ones only, the newest of each key, never replaced by an older one. */
export class ValueStore {
  #opts: ValueLimits
  readonly #deps: Deps
  /** Bounded by `records`. */
  readonly #values = new Map<string, HeldValue>()
  /** Values of each sender; bounded by `records`. */
  readonly #perPeer = new Map<string, number>()
  readonly #rows = new Rows()
  readonly #byRow: Array<HeldValue | undefined> = []
  readonly #expiry = new ExpiryLine()
  /** The last put of each key that is under way: puts of one key run one after the other. Bounded by MAX_WAITING. */
  readonly #lastPut = new Map<string, Promise<void>>()
  #waiting = 0

  constructor (opts: ValueLimits, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
  }

  /** Puts other limits in force at once. What is held stays for its time: nothing is pushed out by a lower limit. */
  apply (limits: ValueLimits): void {
    this.#opts = limits
  }

  get size (): number { return this.#values.size }

  get (key: Uint8Array): Uint8Array | undefined { return this.#live(key)?.value }

  /** The encoded record message of a live value, as GET_VALUE carries it. */
  getRecord (key: Uint8Array): Uint8Array | undefined { return this.#live(key)?.record }

  /**
   * Keeps a value when it is valid for its key and newer than the one held; the same value again is no error.
   * @throws {DhtError} BadRequest (`record`), Conflict (`stale`), Backpressure (`quota_values`)
   */
  async put (key: Uint8Array, value: Uint8Array, from: string): Promise<void> {
    if (this.#waiting >= MAX_WAITING) throw new DhtError('Backpressure', 'Too many values wait for validation.', { retryAfterMs: 1000, reason: 'quota_values' })
    const mapKey = toMapKey(key)
    const before = this.#lastPut.get(mapKey)
    const put = (async () => {
      await before?.catch(() => {}) // its own caller hears of it
      await this.#replace(mapKey, key, value, from)
    })()
    this.#lastPut.set(mapKey, put)
    this.#waiting++
    try {
      await put
    } finally {
      this.#waiting--
      if (this.#lastPut.get(mapKey) === put) this.#lastPut.delete(mapKey)
    }
  }

  /** Removes the values that these peers stored. Says how many. */
  async removeFrom (peers: PeerSet): Promise<number> {
    let seen = 0
    let removed = 0
    for (const held of this.#values.values()) {
      if (peers.has(held.from)) {
        this.#expiry.remove(held.row)
        this.#forget(held)
        removed++
      }
      if (++seen % REMOVE_BATCH === 0) await nextTurn()
    }
    return removed
  }

  async #replace (mapKey: string, key: Uint8Array, value: Uint8Array, from: string): Promise<void> {
    const namespace = await assertValidValue(key, value)
    const now = this.#deps.now()
    this.#removeExpired(now)
    const held = this.#values.get(mapKey)
    const isLive = held !== undefined && now < this.#expiry.expiresAt(held.row)
    if (isLive && Buffer.compare(held.value, value) !== 0 && !namespace.isNewer(key, value, held.value)) {
      throw new DhtError('Conflict', 'A newer value is held for this key.', { reason: 'stale' })
    }
    if (held?.from !== from) this.#assertRoom(held === undefined ? 1 : 0, from)
    // Copies: the caller's bytes are views of a network buffer.
    const content = {
      value: Uint8Array.from(value),
      record: encodeValueRecord({ key, value }, now),
      from,
    }
    const expiresAt = Math.min(now + this.#opts.ttlMs, namespace.validUntil(value))
    this.#count(from, 1)
    if (held !== undefined) {
      this.#count(held.from, -1)
      Object.assign(held, content)
      this.#expiry.remove(held.row) // the newer value may end sooner
      this.#expiry.add(held.row, expiresAt)
      return
    }
    const kept: HeldValue = { key: mapKey, row: this.#rows.take(), ...content }
    this.#values.set(mapKey, kept)
    this.#byRow[kept.row] = kept
    this.#expiry.add(kept.row, expiresAt)
    this.#deps.metrics.values.set(this.#values.size)
  }

  #assertRoom (added: 0 | 1, from: string): void {
    const ofPeer = this.#perPeer.get(from) ?? 0
    if (this.#values.size + added > this.#opts.records || ofPeer >= this.#opts.recordsPerPeer) {
      throw new DhtError('Backpressure', 'The quota of values is exhausted.', { retryAfterMs: 60_000, reason: 'quota_values' })
    }
  }

  #live (key: Uint8Array): HeldValue | undefined {
    const now = this.#deps.now()
    this.#removeExpired(now)
    const held = this.#values.get(toMapKey(key))
    return held !== undefined && now < this.#expiry.expiresAt(held.row) ? held : undefined
  }

  #removeExpired (now: number): void {
    for (let removed = 0; removed < EXPIRE_BATCH; removed++) {
      const expired = this.#byRow[this.#expiry.takeExpired(now)]
      if (expired === undefined) return
      this.#forget(expired)
    }
  }

  /** Of a value that is out of the order of expiry. */
  #forget ({ key, row, from }: HeldValue): void {
    this.#values.delete(key)
    this.#byRow[row] = undefined
    this.#rows.giveBack(row)
    this.#count(from, -1)
    this.#deps.metrics.values.set(this.#values.size)
  }

  #count (from: string, change: 1 | -1): void {
    const ofPeer = (this.#perPeer.get(from) ?? 0) + change
    if (ofPeer === 0) this.#perPeer.delete(from)
    else this.#perPeer.set(from, ofPeer)
  }
}
