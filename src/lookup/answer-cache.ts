import { createHash } from 'node:crypto'
import type { PeerRecord } from '../core/peer.ts'

/** Records that one entry may hold on average: k, what a walk brings home for all but the most popular keys. */
const RECORDS_PER_ENTRY = 20

interface Options {
  readonly entries: number
  readonly ttlMs: number
  readonly emptyTtlMs: number
}

interface Entry {
  readonly found: readonly PeerRecord[]
  readonly storedAt: number
  readonly expiresAt: number
  /** The held records that this entry was last served with, and since when they are the same. */
  held: string
  changedAt: number
}

export interface RecentAnswer {
  readonly found: readonly PeerRecord[]
  /** Since when found and held records together make this answer: what `Last-Modified` may say. */
  readonly resolvedAt: number
}

/**
 * What complete walks found lately; never what we hold ourselves, which is read anew for each answer so that its own expiry
 * counts. Pure but for its table; time is passed in.
 */
export class AnswerCache {
  readonly #options: Options
  /** Bounded by `entries` and by 20 records for each of them; least recently used goes first. */
  readonly #entries = new Map<string, Entry>()
  #records = 0

  constructor (options: Options) {
    this.#options = options
  }

  get (question: string, held: readonly PeerRecord[], now: number): RecentAnswer | undefined {
    const entry = this.#entries.get(question)
    if (entry === undefined) return undefined
    this.#remove(question, entry)
    if (now < entry.storedAt || now >= entry.expiresAt) return undefined
    this.#add(question, entry)
    const heldNow = fingerprint(held)
    if (entry.held !== heldNow) {
      entry.held = heldNow
      entry.changedAt = now
    }
    return { found: entry.found, resolvedAt: entry.changedAt }
  }

  put (question: string, found: readonly PeerRecord[], held: readonly PeerRecord[], now: number): void {
    const old = this.#entries.get(question)
    if (old !== undefined) this.#remove(question, old)
    if (found.length > this.#maxRecords) return
    const ttlMs = found.length === 0 ? this.#options.emptyTtlMs : this.#options.ttlMs
    this.#add(question, { found, storedAt: now, expiresAt: now + ttlMs, held: fingerprint(held), changedAt: now })
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= this.#options.entries && this.#records <= this.#maxRecords) break
      this.#remove(oldest, entry)
    }
  }

  get #maxRecords (): number {
    return this.#options.entries * RECORDS_PER_ENTRY
  }

  #add (question: string, entry: Entry): void {
    this.#entries.set(question, entry)
    this.#records += entry.found.length
  }

  #remove (question: string, entry: Entry): void {
    this.#entries.delete(question)
    this.#records -= entry.found.length
  }
}

/** Equal for the same peers with the same addresses, in any order. */
function fingerprint (records: readonly PeerRecord[]): string {
  const lines = records.map(({ id, addrs, protocols }) => JSON.stringify([id, addrs, protocols])).sort()
  return createHash('sha256').update(lines.join('\n')).digest('base64')
}
