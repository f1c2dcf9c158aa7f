import type { Counts } from '../counts.ts'
import type { RecordLike } from '../engine.ts'
import { Malformed } from '../malformed.ts'
import type { Secp256k1 } from '../secp256k1.ts'
import { decodeRecord, decodeRecordText, type Enr } from './record.ts'

const LIMIT = 4096

/** Verified records by their bytes: the same ones come back in each lookup, and a signature costs more than all the rest. */
export class RecordCache {
  readonly #secp256k1: Secp256k1
  readonly #counts: Counts
  /** Bounded by LIMIT; the oldest goes first. */
  readonly #records = new Map<string, Enr>()

  constructor (secp256k1: Secp256k1, counts: Counts) {
    this.#secp256k1 = secp256k1
    this.#counts = counts
  }

  /** Undefined for what is no valid record; the reason is counted. */
  decode (record: RecordLike): Enr | undefined {
    try {
      if (typeof record === 'string') return decodeRecordText(record, this.#secp256k1)
      const key = Buffer.from(record.buffer, record.byteOffset, record.byteLength).toString('latin1')
      const known = this.#records.get(key)
      if (known !== undefined) return known
      const enr = decodeRecord(record, this.#secp256k1)
      if (this.#records.size >= LIMIT) this.#records.delete(this.#records.keys().next().value as string)
      this.#records.set(key, enr)
      return enr
    } catch (err) {
      if (!(err instanceof Malformed)) throw err
      this.#counts.drops[err.reason]++
      return undefined
    }
  }
}
