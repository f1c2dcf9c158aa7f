import { randomBytes } from 'node:crypto'
import { MAX_KEY_BYTES } from '../../../core/limits.ts'
import { Cells, Rows, uint32Column } from './columns.ts'
import { halfSipHash, type HashKey } from './half-sip-hash.ts'

/** Cell sizes, smallest first: multihashes of 32 byte digests, of peer IDs, and all others. */
const CELL_BYTES = [36, 44, MAX_KEY_BYTES] as const

const SHARDS = 256
const FIRST_SLOTS = 16

/**
 * Multihash keys by number. Open addressing in 256 shards, so that growing moves a 256th of the table at a time and never
 * holds the event loop.
 */
export class KeyTable {
  readonly #hashKey: HashKey
  readonly #rows = new Rows()
  readonly #hashes = uint32Column()
  readonly #cellOf = uint32Column()
  readonly #lengths = uint32Column()
  readonly #cells = CELL_BYTES.map(bytes => new Cells(bytes))
  readonly #shards = Array.from({ length: SHARDS }, () => new Shard())

  constructor () {
    const seed = randomBytes(8)
    this.#hashKey = [seed.readInt32LE(0), seed.readInt32LE(4)]
  }

  get size (): number { return this.#rows.size }

  /** Memory set aside. */
  get sizeBytes (): number {
    return sum([this.#rows, this.#hashes, this.#cellOf, this.#lengths, ...this.#cells].map(({ sizeBytes }) => sizeBytes)) + sum(this.#shards.map(({ slots }) => slots.byteLength))
  }

  /** The key's row, or 0. */
  find (key: Uint8Array): number {
    return this.#findHashed(key, halfSipHash(this.#hashKey, key))
  }

  /** The key's row, a new one when it has none yet. */
  findOrAdd (key: Uint8Array): number {
    const hash = halfSipHash(this.#hashKey, key)
    const found = this.#findHashed(key, hash)
    if (found !== 0) return found
    const row = this.#rows.take()
    this.#hashes.set(row, hash)
    this.#lengths.set(row, key.byteLength)
    this.#cellOf.set(row, this.#cellsFor(key.byteLength).add(key))
    this.#shardOf(hash).add(row, hash, other => this.#hashes.get(other))
    return row
  }

  /** The key's bytes, not a copy: valid until the row is deleted. */
  bytes (row: number): Uint8Array {
    const length = this.#lengths.get(row)
    return this.#cellsFor(length).view(this.#cellOf.get(row), length)
  }

  delete (row: number): void {
    this.#shardOf(this.#hashes.get(row)).delete(row, other => this.#hashes.get(other))
    this.#cellsFor(this.#lengths.get(row)).delete(this.#cellOf.get(row))
    this.#rows.giveBack(row)
  }

  #findHashed (key: Uint8Array, hash: number): number {
    const { slots } = this.#shardOf(hash)
    const mask = slots.length - 1
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const row = slots[at] ?? 0
      if (row === 0) return 0
      if (this.#hashes.get(row) === hash && this.#isKey(row, key)) return row
    }
  }

  #isKey (row: number, key: Uint8Array): boolean {
    return this.#lengths.get(row) === key.byteLength && this.#cellsFor(key.byteLength).isEqual(this.#cellOf.get(row), key)
  }

  #cellsFor (length: number): Cells {
    return this.#cells[length <= CELL_BYTES[0] ? 0 : length <= CELL_BYTES[1] ? 1 : 2] as Cells
  }

  #shardOf (hash: number): Shard {
    return this.#shards[hash >>> 24] as Shard
  }
}

function sum (numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

/** A part of the table: rows in slots by hash, linear probing, never more than two thirds full. */
class Shard {
  slots = new Uint32Array(FIRST_SLOTS)
  #used = 0

  add (row: number, hash: number, hashOf: (row: number) => number): void {
    if (++this.#used * 3 > this.slots.length * 2) this.#grow(hashOf)
    this.#place(row, hash)
  }

  /** Closes the gap, so that no marker of what was deleted slows down later searches. */
  delete (row: number, hashOf: (row: number) => number): void {
    const { slots } = this
    const mask = slots.length - 1
    let gap = hashOf(row) & mask
    while (slots[gap] !== row) gap = (gap + 1) & mask
    for (let at = (gap + 1) & mask; slots[at] !== 0; at = (at + 1) & mask) {
      const home = hashOf(slots[at] as number) & mask
      // Stays unless its home lies outside the circle from just behind the gap to here.
      if (((at - home) & mask) < ((at - gap) & mask)) continue
      slots[gap] = slots[at] as number
      gap = at
    }
    slots[gap] = 0
    this.#used--
  }

  #grow (hashOf: (row: number) => number): void {
    const rows = this.slots.filter(row => row !== 0)
    this.slots = new Uint32Array(this.slots.length * 2)
    for (const row of rows) this.#place(row, hashOf(row))
  }

  #place (row: number, hash: number): void {
    const mask = this.slots.length - 1
    let at = hash & mask
    while (this.slots[at] !== 0) at = (at + 1) & mask
    this.slots[at] = row
  }
}
