/** Something that runs out at a time; set `isDone` to take it back. */
export interface Deadline {
  deadline: number
  isDone: boolean
}

/** One timer for all calls: a heap by deadline, asked every few milliseconds. Bounded by the calls that it holds. */
export class Deadlines<T extends Deadline> {
  readonly #heap: Array<{ readonly at: number, readonly item: T }> = []

  get size (): number { return this.#heap.length }

  /** An item that is added again with another deadline counts for the latter. */
  add (item: T): void {
    const heap = this.#heap
    let i = heap.push({ at: item.deadline, item }) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (this.#at(parent) <= this.#at(i)) return
      this.#swap(i, parent)
      i = parent
    }
  }

  /** Takes out what has run out; what is done or was added again with a later deadline is passed over. */
  expired (now: number): T[] {
    const due: T[] = []
    for (let top = this.#heap[0]; top !== undefined && (top.at <= now || top.item.isDone); top = this.#heap[0]) {
      this.#pop()
      if (!top.item.isDone && top.item.deadline === top.at) due.push(top.item)
    }
    return due
  }

  #pop (): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    heap[0] = last
    for (let i = 0; ;) {
      const left = 2 * i + 1
      const smaller = left + 1 < heap.length && this.#at(left + 1) < this.#at(left) ? left + 1 : left
      if (smaller >= heap.length || this.#at(i) <= this.#at(smaller)) return
      this.#swap(i, smaller)
      i = smaller
    }
  }

  #at (i: number): number { return (this.#heap[i] as { readonly at: number }).at }

  #swap (a: number, b: number): void {
    const heap = this.#heap
    const kept = heap[a] as { readonly at: number, readonly item: T }
    heap[a] = heap[b] as { readonly at: number, readonly item: T }
    heap[b] = kept
  }
}
