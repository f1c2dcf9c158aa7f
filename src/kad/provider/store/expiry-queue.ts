/** What the queue orders; `expiresAt` may grow while it waits. */
export interface Expiring { expiresAt: number }

const SLOT_MS = 1000

/**
 * Orders records by expiry in slots of a second: constant cost to add and to take, and a refresh costs nothing, because an
 * entry that lives longer than its slot moves on only when that slot comes up.
 */
export class ExpiryQueue<T extends Expiring> {
  /** Bounded by the longest TTL in seconds, plus the removal lag. Slot number → entries, in no order within it. */
  readonly #slots = new Map<number, T[]>()
  /** No entry waits in a slot before this one. */
  #firstSlot = Number.POSITIVE_INFINITY

  add (entry: T): void {
    const slot = Math.ceil(entry.expiresAt / SLOT_MS) // rounded up: when a slot is due, so is all that waits in it
    const entries = this.#slots.get(slot)
    if (entries === undefined) this.#slots.set(slot, [entry])
    else entries.push(entry)
    this.#firstSlot = Math.min(this.#firstSlot, slot)
  }

  /** Takes one entry that has expired by `now`, or undefined. An entry whose time was extended goes back in line. */
  takeExpired (now: number): T | undefined {
    for (let slot = this.#dueSlot(now); slot !== undefined; slot = this.#dueSlot(now)) {
      const entry = this.#slots.get(slot)?.pop()
      if (entry === undefined || entry.expiresAt <= now) return entry
      this.add(entry)
    }
    return undefined
  }

  /** Since when the earliest due slot has been waiting. Milliseconds; 0 when nothing is due. */
  lagMs (now: number): number {
    const slot = this.#dueSlot(now)
    return slot === undefined ? 0 : now - slot * SLOT_MS
  }

  #dueSlot (now: number): number | undefined {
    const lastDue = Math.floor(now / SLOT_MS)
    if (this.#slots.size === 0 || this.#firstSlot > lastDue) return undefined
    while (this.#firstSlot <= lastDue) {
      const entries = this.#slots.get(this.#firstSlot)
      if (entries !== undefined && entries.length > 0) return this.#firstSlot
      this.#slots.delete(this.#firstSlot)
      this.#firstSlot++
    }
    return undefined
  }
}
