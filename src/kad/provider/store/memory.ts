import type { MultihashKey } from '../../../core/key.ts'
import { isLive, mergeRecord, type Announcement, type ProviderRecord } from '../record.ts'
import { ExpiryQueue } from './expiry-queue.ts'
import type { ProviderStore } from './store.ts'

/** A record where it is held. Mutable, so that a refresh moves nothing. */
interface HeldRecord extends ProviderRecord {
  readonly key: string
  readonly peer: HeldPeer
  expiresAt: number
  /** Set when it was withdrawn: the expiry queue passes over it. */
  isRemoved: boolean
}

/** What the records of one provider share. */
interface HeldPeer {
  readonly id: string
  records: number
  /** Shared by all records announced with the same addresses. */
  addrs: readonly Uint8Array[]
}

/** Everything in memory, nothing on disk: gone with the process. */
export class MemoryProviderStore implements ProviderStore {
  /** Key → provider → record. Bounded by the quotas its caller enforces before `upsert`. */
  readonly #keys = new Map<string, Map<string, HeldRecord>>()
  readonly #peers = new Map<string, HeldPeer>()
  readonly #prefixes = new Map<string, number>()
  readonly #expiry = new ExpiryQueue<HeldRecord>()
  #size = 0

  get size (): number { return this.#size }
  get keys (): number { return this.#keys.size }

  upsert (announcement: Announcement): 'created' | 'refreshed' {
    const key = toMapKey(announcement.key)
    const peer = this.#peerOf(announcement)
    const records = this.#keys.get(key) ?? new Map<string, HeldRecord>()
    const held = records.get(peer.id)
    const merged = mergeRecord(held, { ...announcement, addrs: peer.addrs })
    if (held !== undefined) {
      this.#countPrefix(held.prefix, -1)
      this.#countPrefix(merged.prefix, 1)
      Object.assign(held, { addrs: merged.addrs, receivedAt: merged.receivedAt, expiresAt: merged.expiresAt, source: merged.source, prefix: merged.prefix })
      return 'refreshed'
    }
    const record: HeldRecord = { ...merged, key, peer, isRemoved: false }
    records.set(peer.id, record)
    this.#keys.set(key, records)
    this.#peers.set(peer.id, peer)
    peer.records++
    this.#countPrefix(record.prefix, 1)
    this.#size++
    this.#expiry.add(record)
    return 'created'
  }

  get (key: MultihashKey, now: number): readonly ProviderRecord[] {
    const records = this.#keys.get(toMapKey(key))
    return records === undefined ? [] : [...records.values()].filter(record => isLive(record, now))
  }

  has (key: MultihashKey, provider: Uint8Array, now: number): boolean {
    const record = this.#keys.get(toMapKey(key))?.get(toMapKey(provider))
    return record !== undefined && isLive(record, now)
  }

  remove (key: MultihashKey, provider: Uint8Array): boolean {
    const record = this.#keys.get(toMapKey(key))?.get(toMapKey(provider))
    if (record === undefined) return false
    this.#drop(record)
    return true
  }

  expire (now: number, limit: number): number {
    let removed = 0
    while (removed < limit) {
      const record = this.#expiry.takeExpired(now)
      if (record === undefined) break
      if (record.isRemoved) continue
      this.#drop(record)
      removed++
    }
    return removed
  }

  expiryLagMs (now: number): number { return this.#expiry.lagMs(now) }
  ofPeer (provider: Uint8Array): number { return this.#peers.get(toMapKey(provider))?.records ?? 0 }
  ofPrefix (prefix: string): number { return this.#prefixes.get(prefix) ?? 0 }
  ofKey (key: MultihashKey): number { return this.#keys.get(toMapKey(key))?.size ?? 0 }
  addressesOf (provider: Uint8Array): readonly Uint8Array[] | undefined { return this.#peers.get(toMapKey(provider))?.addrs }

  #peerOf ({ provider, addrs }: Announcement): HeldPeer {
    const id = toMapKey(provider)
    const peer = this.#peers.get(id) ?? { id, records: 0, addrs }
    if (!isSameList(peer.addrs, addrs)) peer.addrs = addrs
    return peer
  }

  #drop (record: HeldRecord): void {
    record.isRemoved = true
    const records = this.#keys.get(record.key)
    records?.delete(record.peer.id)
    if (records?.size === 0) this.#keys.delete(record.key)
    if (--record.peer.records === 0) this.#peers.delete(record.peer.id)
    this.#countPrefix(record.prefix, -1)
    this.#size--
  }

  #countPrefix (prefix: string | undefined, change: 1 | -1): void {
    if (prefix === undefined) return
    const count = (this.#prefixes.get(prefix) ?? 0) + change
    if (count === 0) this.#prefixes.delete(prefix)
    else this.#prefixes.set(prefix, count)
  }
}

/** Bytes as a map key: one character a byte, half the memory of hex. */
function toMapKey (bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

function isSameList (a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((bytes, index) => Buffer.compare(bytes, b[index] as Uint8Array) === 0)
}
