/** What the queue orders; `expiresAt` may grow while it waits. */
export interface Expiring {
  expiresAt: number
  /** Set by the queue: the entry was removed and is passed over. */
  isRemoved?: boolean
}

const SLOT_MS = 1000
/** Removed entries that may stay in line, if they are no more than the others. */
const MAX_REMOVED = 1024

/**
 * Orders records by expiry in slots of a second: constant cost to add, remove and take, and a refresh costs nothing, because
 * an entry that lives longer than its slot moves on only when that slot comes up.
 */
export class ExpiryQueue<T extends Expiring> {
  /** Bounded by the longest TTL in seconds, plus the removal lag. Slot number → entries, in no order within it. */
  readonly #slots = new Map<number, T[]>()
  /** No entry waits in a slot before this one. */
  #firstSlot = Number.POSITIVE_INFINITY
  #size = 0
  #removed = 0

  /** Entries in line, removed ones included. */
  get size (): number { return this.#size }

  add (entry: T): void {
    const slot = Math.ceil(entry.expiresAt / SLOT_MS) // rounded up: when a slot is due, so is all that waits in it
    const entries = this.#slots.get(slot)
    if (entries === undefined) this.#slots.set(slot, [entry])
    else entries.push(entry)
    this.#firstSlot = Math.min(this.#firstSlot, slot)
    this.#size++
  }

  /** Takes an entry out of line before its time. */
  remove (entry: T): void {
    entry.isRemoved = true
    if (++this.#removed > MAX_REMOVED && this.#removed > this.#size / 2) this.#sweep()
  }

  /** Takes one entry that has expired by `now`, or undefined. */
  takeExpired (now: number): T | undefined {
    const slot = this.#dueSlot(now)
    return slot === undefined ? undefined : this.#pop(this.#slots.get(slot) ?? [])
  }

  /** Since when the earliest expired entry has been waiting, to the second. Milliseconds; 0 when none is due. */
  lagMs (now: number): number {
    const slot = this.#dueSlot(now)
    return slot === undefined ? 0 : now - slot * SLOT_MS
  }

  /** The first slot whose last entry has expired. On the way removed entries go, and those whose time was extended move on. */
  #dueSlot (now: number): number | undefined {
    const lastDue = Math.floor(now / SLOT_MS)
    while (this.#firstSlot <= lastDue) {
      const entries = this.#slots.get(this.#firstSlot) ?? []
      for (let entry = entries.at(-1); entry !== undefined; entry = entries.at(-1)) {
        if (entry.isRemoved !== true && entry.expiresAt <= now) return this.#firstSlot
        this.#pop(entries)
        if (entry.isRemoved === true) this.#removed--
        else this.add(entry)
      }
      this.#slots.delete(this.#firstSlot)
      this.#firstSlot = this.#slots.size === 0 ? Number.POSITIVE_INFINITY : this.#firstSlot + 1
    }
    return undefined
  }

  #pop (entries: T[]): T | undefined {
    this.#size--
    return entries.pop()
  }

  #sweep (): void {
    const entries = [...this.#slots.values()].flat().filter(({ isRemoved }) => isRemoved !== true)
    this.#slots.clear()
    this.#firstSlot = Number.POSITIVE_INFINITY
    this.#size = this.#removed = 0
    for (const entry of entries) this.add(entry)
  }
}
