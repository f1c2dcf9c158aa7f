interface Options {
  readonly limit: number
  /** How long a record is remembered. Milliseconds. */
  readonly ttlMs: number
}

/** Which (node ID, sequence number) were handled lately, so that each is handled once. The oldest goes first. */
export class SeenRecords {
  readonly #opts: Options
  /** Bounded by `limit`, in order of arrival. */
  readonly #seen = new Map<string, { readonly seq: bigint, readonly at: number }>()

  constructor (opts: Options) { this.#opts = opts }

  get size (): number { return this.#seen.size }

  /** False when this number of the node, or a newer one, was handled within the time. */
  isNew (nodeId: string, seq: bigint, now: number): boolean {
    const seen = this.#seen.get(nodeId)
    if (seen !== undefined && seen.seq > seq) return false
    if (seen !== undefined && seen.seq === seq && now - seen.at < this.#opts.ttlMs) return false
    this.#seen.delete(nodeId)
    this.#seen.set(nodeId, { seq, at: now })
    if (this.#seen.size > this.#opts.limit) this.#seen.delete(this.#seen.keys().next().value as string)
    return true
  }
}
