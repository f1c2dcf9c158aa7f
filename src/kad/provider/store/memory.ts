import type { MultihashKey } from '../../../core/key.ts'
import { isLive, mergeRecord, type Announcement, type ProviderRecord, type RecordSource } from '../record.ts'
import { ExpiryQueue } from './expiry-queue.ts'
import type { ProviderStore } from './store.ts'

/** What the records of one provider share. */
interface HeldPeer {
  readonly id: string
  readonly provider: Uint8Array
  records: number
  /** One list a peer, its latest, however often it changes it: a list for each record could fill the memory. */
  addrs: readonly Uint8Array[]
}

/** A record where it is held. Mutable, so that a refresh moves nothing. */
class HeldRecord implements ProviderRecord {
  readonly key: string
  readonly peer: HeldPeer
  receivedAt: number
  expiresAt: number
  source: RecordSource
  prefix: string | undefined
  /** Set by the expiry queue when it was withdrawn. */
  isRemoved = false

  constructor (key: string, peer: HeldPeer, { receivedAt, expiresAt, source, prefix }: ProviderRecord) {
    this.key = key
    this.peer = peer
    this.receivedAt = receivedAt
    this.expiresAt = expiresAt
    this.source = source
    this.prefix = prefix
  }

  get provider (): Uint8Array { return this.peer.provider }
  get addrs (): readonly Uint8Array[] { return this.peer.addrs }
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
    if (held !== undefined) {
      const { receivedAt, expiresAt, source, prefix } = mergeRecord(held, announcement)
      this.#countPrefix(held.prefix, -1)
      this.#countPrefix(prefix, 1)
      Object.assign(held, { receivedAt, expiresAt, source, prefix })
      return 'refreshed'
    }
    const record = new HeldRecord(key, peer, announcement)
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
    this.#expiry.remove(record)
    this.#drop(record)
    return true
  }

  expire (now: number, limit: number): number {
    let removed = 0
    while (removed < limit) {
      const record = this.#expiry.takeExpired(now)
      if (record === undefined) break
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
    const peer = this.#peers.get(id) ?? { id, provider: Uint8Array.from(provider), records: 0, addrs: [] }
    if (!isSameList(peer.addrs, addrs)) peer.addrs = copyList(addrs)
    return peer
  }

  #drop (record: HeldRecord): void {
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

/** Copies into one buffer: what comes in are views of a whole network message, which they would keep alive. */
function copyList (list: readonly Uint8Array[]): Uint8Array[] {
  const copy = Uint8Array.from(Buffer.concat(list))
  let end = 0
  return list.map(({ byteLength }) => {
    end += byteLength
    return copy.subarray(end - byteLength, end)
  })
}

function isSameList (a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((bytes, index) => Buffer.compare(bytes, b[index] as Uint8Array) === 0)
}
