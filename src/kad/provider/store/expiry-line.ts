import { float64Column, int32Column } from './columns.ts'

const SLOT_MS = 1000
/** Slots are counted from here, so that their numbers fit 31 bits until 2088. */
const ORIGIN_MS = Date.UTC(2020, 0, 1)

/**
 * Rows in order of expiry, in slots of a second, each a doubly linked list through two columns: constant cost to add, remove and
 * take, and no object for any of them. A refresh costs nothing: a row that lives longer than its slot moves on only when that slot
 * comes up.
 */
export class ExpiryLine {
  readonly #expiresAt = float64Column()
  /** The row behind, 0 for the last of its slot. */
  readonly #next = int32Column()
  /** The row before; for the first of a slot, the slot as a negative number. */
  readonly #before = int32Column()
  /** Slot → its first row. Bounded by the longest TTL in seconds, plus the removal lag. */
  readonly #slots = new Map<number, number>()
  #firstSlot = Number.POSITIVE_INFINITY

  /** Memory set aside. */
  get sizeBytes (): number { return this.#expiresAt.sizeBytes + this.#next.sizeBytes + this.#before.sizeBytes }

  /** Milliseconds since the epoch. */
  expiresAt (row: number): number { return this.#expiresAt.get(row) }

  add (row: number, expiresAt: number): void {
    this.#expiresAt.set(row, expiresAt)
    this.#link(row)
  }

  /** Only to a later time. */
  extend (row: number, expiresAt: number): void {
    this.#expiresAt.set(row, expiresAt)
  }

  remove (row: number): void {
    const next = this.#next.get(row)
    const before = this.#before.get(row)
    if (next !== 0) this.#before.set(next, before)
    if (before > 0) this.#next.set(before, next)
    else if (next !== 0) this.#slots.set(-before, next)
    else this.#slots.delete(-before)
  }

  /** Removes and returns a row that has expired by `now`, or 0. */
  takeExpired (now: number): number {
    const slot = this.#dueSlot(now)
    if (slot === undefined) return 0
    const row = this.#slots.get(slot) as number
    this.remove(row)
    return row
  }

  /** Since when the earliest expired row has been waiting, to the second. Milliseconds; 0 when none is due. */
  lagMs (now: number): number {
    const slot = this.#dueSlot(now)
    return slot === undefined ? 0 : now - dueAt(slot)
  }

  /** The first slot whose first row has expired. On the way rows whose time was extended move on. */
  #dueSlot (now: number): number | undefined {
    while (this.#slots.size > 0 && dueAt(this.#firstSlot) <= now) {
      const slot = this.#firstSlot
      for (let row = this.#slots.get(slot); row !== undefined; row = this.#slots.get(slot)) {
        if (this.#expiresAt.get(row) <= now) return slot
        this.remove(row)
        this.#link(row)
      }
      this.#firstSlot++
    }
    if (this.#slots.size === 0) this.#firstSlot = Number.POSITIVE_INFINITY
    return undefined
  }

  #link (row: number): void {
    // Rounded up: when a slot is due, so is all that waits in it. From 1 on, as -0 would say nothing.
    const slot = Math.max(1, Math.ceil((this.#expiresAt.get(row) - ORIGIN_MS) / SLOT_MS))
    const first = this.#slots.get(slot) ?? 0
    this.#next.set(row, first)
    this.#before.set(row, -slot)
    if (first !== 0) this.#before.set(first, row)
    this.#slots.set(slot, row)
    this.#firstSlot = Math.min(this.#firstSlot, slot)
  }
}

function dueAt (slot: number): number {
  return ORIGIN_MS + slot * SLOT_MS
}
