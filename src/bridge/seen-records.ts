interface Options {
  readonly limit: number
  /** How long a record is remembered. Milliseconds. */
  readonly ttlMs: number
  /** How long, when its node was not reached, or has a newer one: numbers cost it nothing, and we would dial whom it likes as often as it likes. */
  readonly retryMs: number
}

/** Which (node ID, sequence number) were handled lately, so that each is handled once, and no node too often. The oldest goes first. */
export class SeenRecords {
  readonly #opts: Options
  /** Bounded by `limit`, in order of arrival. */
  readonly #seen = new Map<string, { readonly seq: bigint, readonly since: number, readonly until: number }>()

  constructor (opts: Options) { this.#opts = opts }

  get size (): number { return this.#seen.size }

  /** True while this number of the node, or a newer one, counts as handled, and while it is too soon for another. */
  has (nodeId: string, seq: bigint, now: number): boolean {
    const seen = this.#seen.get(nodeId)
    if (seen === undefined || seen.seq > seq) return seen !== undefined
    return now < (seen.seq === seq ? seen.until : seen.since + this.#opts.retryMs)
  }

  /** Notes it as handled. False when it was so already. One that waits still is not: a newer number takes its place. */
  isNew (nodeId: string, seq: bigint, now: number, isWaiting = false): boolean {
    const seen = this.#seen.get(nodeId)
    if (isWaiting && seen !== undefined ? seen.seq >= seq : this.has(nodeId, seq, now)) return false
    this.#seen.delete(nodeId)
    this.#seen.set(nodeId, { seq, since: now, until: now + this.#opts.ttlMs })
    if (this.#seen.size > this.#opts.limit) this.#seen.delete(this.#seen.keys().next().value as string)
    return true
  }

  /** Its node was not reached: it counts as new again sooner. */
  failed (nodeId: string, seq: bigint, now: number): void {
    const seen = this.#seen.get(nodeId)
    if (seen?.seq === seq) this.#seen.set(nodeId, { ...seen, until: now + this.#opts.retryMs })
  }
}
