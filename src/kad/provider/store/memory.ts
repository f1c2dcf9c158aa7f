import type { MultihashKey } from '../../../core/key.ts'
import { isLive, mergeRecord, type Announcement, type ProviderRecord, type RecordSource } from '../record.ts'
import { float64Column, Rows, uint32Column } from './columns.ts'
import { ExpiryLine } from './expiry-line.ts'
import { KeyTable } from './key-table.ts'
import { PeerTable, type HeldPeer } from './peer-table.ts'
import { PrefixTable } from './prefix-table.ts'
import type { Holder, OnRemoved, ProviderStore, Slice } from './store.ts'

/**
 * Everything in memory, nothing on disk: gone with the process. Records are rows of typed arrays, keys, providers and prefixes
 * numbers, so that a record takes tens of bytes and the garbage collector sees a handful of arrays, however many there are.
 */
export class MemoryProviderStore implements ProviderStore {
  readonly #keys = new KeyTable()
  readonly #peers = new PeerTable()
  readonly #prefixes = new PrefixTable()
  readonly #expiry = new ExpiryLine()

  /** By key row: its first record, and how many it has. */
  readonly #firstOf = uint32Column()
  readonly #countOf = uint32Column()

  /** By record row. Bounded by the quotas that a caller enforces before `upsert`. */
  readonly #rows = new Rows()
  readonly #keyOf = uint32Column()
  /** 0 for a row that is free. */
  readonly #peerOf = uint32Column()
  readonly #nextOfKey = uint32Column()
  readonly #receivedAt = float64Column()
  /** Prefix row, and in the lowest bit whether our operator announced it. */
  readonly #origin = uint32Column()

  get size (): number { return this.#rows.size }
  get keys (): number { return this.#keys.size }

  get sizeBytes (): number {
    const parts = [this.#keys, this.#peers, this.#expiry, this.#firstOf, this.#countOf, this.#rows, this.#keyOf, this.#peerOf, this.#nextOfKey, this.#receivedAt, this.#origin]
    return parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  }

  upsert (announcement: Announcement): 'created' | 'refreshed' {
    const { key, provider, addrs } = announcement
    const peer = this.#peers.findOrAdd(provider, addrs)
    const keyRow = this.#keys.findOrAdd(key)
    const held = this.#find(keyRow, peer.row)
    const merged = mergeRecord(held === 0 ? undefined : this.#read(held), announcement)
    const row = held === 0 ? this.#create(keyRow, peer) : held
    if (held === 0) this.#expiry.add(row, merged.expiresAt)
    else this.#expiry.extend(row, merged.expiresAt)
    this.#receivedAt.set(row, merged.receivedAt)
    const prefixBefore = this.#origin.get(row) >>> 1
    this.#origin.set(row, this.#prefixes.add(merged.prefix) << 1 | (merged.source === 'operator' ? 1 : 0))
    if (held !== 0) this.#prefixes.remove(prefixBefore)
    return held === 0 ? 'created' : 'refreshed'
  }

  get (key: MultihashKey, now: number): readonly ProviderRecord[] {
    const records: ProviderRecord[] = []
    for (let row = this.#firstOf.get(this.#keys.find(key)); row !== 0; row = this.#nextOfKey.get(row)) {
      if (now < this.#expiry.expiresAt(row)) records.push(this.#read(row))
    }
    return records
  }

  has (key: MultihashKey, provider: Uint8Array, now: number): boolean {
    const row = this.#findBy(key, provider)
    return row !== 0 && isLive({ expiresAt: this.#expiry.expiresAt(row) }, now)
  }

  find (key: MultihashKey, provider: Uint8Array): ProviderRecord | undefined {
    const row = this.#findBy(key, provider)
    return row === 0 ? undefined : this.#read(row)
  }

  remove (key: MultihashKey, provider: Uint8Array): boolean {
    const row = this.#findBy(key, provider)
    if (row === 0) return false
    this.#expiry.remove(row)
    this.#drop(row)
    return true
  }

  expire (now: number, limit: number, onRemoved?: OnRemoved): number {
    let removed = 0
    while (removed < limit) {
      const row = this.#expiry.takeExpired(now)
      if (row === 0) break
      onRemoved?.(this.#keys.bytes(this.#keyOf.get(row)), this.#peers.at(this.#peerOf.get(row)).id)
      this.#drop(row)
      removed++
    }
    return removed
  }

  removeWhere (isGone: (provider: Uint8Array) => boolean, { from, rows }: Slice, onRemoved: OnRemoved): number | undefined {
    const end = Math.min(from + rows, this.#rows.end)
    for (let row = from; row < end; row++) {
      const peerRow = this.#peerOf.get(row)
      if (peerRow === 0) continue
      const { id } = this.#peers.at(peerRow)
      if (!isGone(id)) continue
      onRemoved(this.#keys.bytes(this.#keyOf.get(row)), id)
      this.#expiry.remove(row)
      this.#drop(row)
    }
    return end < this.#rows.end ? end : undefined
  }

  tellHolders (holder: Holder, { from, rows }: Slice, tell: (who: Uint8Array | string, records: number) => void): number | undefined {
    const [peers, prefixes] = [this.#peers, this.#prefixes]
    const tableEnd = holder === 'peer' ? peers.end : prefixes.end
    const end = Math.min(from + rows, tableEnd)
    for (let row = from; row < end; row++) {
      const held = holder === 'peer' ? peers.ifAny(row) : prefixes.ifAny(row)
      if (held !== undefined) tell('id' in held ? held.id : held.text, held.records)
    }
    return end < tableEnd ? end : undefined
  }

  expiryLagMs (now: number): number { return this.#expiry.lagMs(now) }
  ofPeer (provider: Uint8Array): number { return this.#peers.find(provider)?.records ?? 0 }
  ofPrefix (prefix: string): number { return this.#prefixes.count(prefix) }
  ofKey (key: MultihashKey): number { return this.#countOf.get(this.#keys.find(key)) }
  addressesOf (provider: Uint8Array): readonly Uint8Array[] | undefined { return this.#peers.find(provider)?.addrs }

  #read (row: number): ProviderRecord {
    const peer = this.#peers.at(this.#peerOf.get(row))
    const origin = this.#origin.get(row)
    const source: RecordSource = (origin & 1) === 1 ? 'operator' : 'rpc'
    return {
      provider: peer.id, addrs: peer.addrs, receivedAt: this.#receivedAt.get(row), expiresAt: this.#expiry.expiresAt(row), source, prefix: this.#prefixes.textAt(origin >>> 1),
    }
  }

  #findBy (key: MultihashKey, provider: Uint8Array): number {
    const peer = this.#peers.find(provider)
    return peer === undefined ? 0 : this.#find(this.#keys.find(key), peer.row)
  }

  /** The record of a key and peer, or 0. Walks the key's records, of which a quota bounds the number. */
  #find (keyRow: number, peerRow: number): number {
    let row = this.#firstOf.get(keyRow)
    while (row !== 0 && this.#peerOf.get(row) !== peerRow) row = this.#nextOfKey.get(row)
    return row
  }

  #create (keyRow: number, peer: HeldPeer): number {
    const row = this.#rows.take()
    this.#keyOf.set(row, keyRow)
    this.#peerOf.set(row, peer.row)
    this.#nextOfKey.set(row, this.#firstOf.get(keyRow))
    this.#origin.set(row, 0)
    this.#firstOf.set(keyRow, row)
    this.#countOf.set(keyRow, this.#countOf.get(keyRow) + 1)
    peer.records++
    return row
  }

  #drop (row: number): void {
    const keyRow = this.#keyOf.get(row)
    this.#unlink(row, keyRow)
    const count = this.#countOf.get(keyRow) - 1
    this.#countOf.set(keyRow, count)
    if (count === 0) this.#keys.delete(keyRow)
    const peer = this.#peers.at(this.#peerOf.get(row))
    if (--peer.records === 0) this.#peers.delete(peer)
    this.#peerOf.set(row, 0)
    this.#prefixes.remove(this.#origin.get(row) >>> 1)
    this.#rows.giveBack(row)
  }

  #unlink (row: number, keyRow: number): void {
    const next = this.#nextOfKey.get(row)
    let before = this.#firstOf.get(keyRow)
    if (before === row) {
      this.#firstOf.set(keyRow, next)
      return
    }
    while (this.#nextOfKey.get(before) !== row) before = this.#nextOfKey.get(before)
    this.#nextOfKey.set(before, next)
  }
}
