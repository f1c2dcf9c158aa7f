interface Options {
  readonly limit: number
  /** How long a record is remembered. Milliseconds. */
  readonly ttlMs: number
  /** How long, when its node was not reached. */
  readonly retryMs: number
}

/** Which (node ID, sequence number) were handled lately, so that each is handled once. The oldest goes first. */
export class SeenRecords {
  readonly #opts: Options
  /** Bounded by `limit`, in order of arrival. */
  readonly #seen = new Map<string, { readonly seq: bigint, readonly until: number }>()

  constructor (opts: Options) { this.#opts = opts }

  get size (): number { return this.#seen.size }

  /** True while this number of the node, or a newer one, counts as handled. */
  has (nodeId: string, seq: bigint, now: number): boolean {
    const seen = this.#seen.get(nodeId)
    return seen !== undefined && (seen.seq > seq || (seen.seq === seq && now < seen.until))
  }

  /** Notes it as handled. False when it was so already. */
  isNew (nodeId: string, seq: bigint, now: number): boolean {
    if (this.has(nodeId, seq, now)) return false
    this.#seen.delete(nodeId)
    this.#seen.set(nodeId, { seq, until: now + this.#opts.ttlMs })
    if (this.#seen.size > this.#opts.limit) this.#seen.delete(this.#seen.keys().next().value as string)
    return true
  }

  /** Its node was not reached: it counts as new again sooner. */
  failed (nodeId: string, seq: bigint, now: number): void {
    if (this.#seen.get(nodeId)?.seq === seq) this.#seen.set(nodeId, { seq, until: now + this.#opts.retryMs })
  }
}
