export interface DiversityLimits {
  /** Peers of one IP group in the whole table, and in one bucket. */
  readonly inTable: number
  readonly inBucket: number
}

/** Where one peer more of its groups would be one too many. */
export type FullScope = 'table' | 'bucket'

/**
 * Counts the IP groups in the routing table (IPFS kad-dht, IP diversity filter): whoever owns one network gets only a few
 * places in it. A peer counts once in each of its groups.
 */
export class DiversityCount {
  #limits: DiversityLimits
  /** Bounded by the routing table: groups of peers that are in it. */
  readonly #table = new Map<string, number>()
  readonly #buckets = new Map<string, number>()

  constructor (limits: DiversityLimits) {
    this.#limits = limits
  }

  /** Other limits from now on. Peers that are in the table stay. */
  apply (limits: DiversityLimits): void {
    this.#limits = limits
  }

  /** The scope in which any of the groups is full, or undefined when the peer may come in. */
  fullScope (groups: readonly string[], bucket: number): FullScope | undefined {
    if (groups.some(group => (this.#table.get(group) ?? 0) >= this.#limits.inTable)) return 'table'
    if (groups.some(group => (this.#buckets.get(`${bucket} ${group}`) ?? 0) >= this.#limits.inBucket)) return 'bucket'
    return undefined
  }

  add (groups: readonly string[], bucket: number): void {
    this.#count(groups, bucket, 1)
  }

  remove (groups: readonly string[], bucket: number): void {
    this.#count(groups, bucket, -1)
  }

  #count (groups: readonly string[], bucket: number, change: 1 | -1): void {
    for (const group of groups) {
      bump(this.#table, group, change)
      bump(this.#buckets, `${bucket} ${group}`, change)
    }
  }
}

function bump (counts: Map<string, number>, name: string, change: 1 | -1): void {
  const count = (counts.get(name) ?? 0) + change
  if (count <= 0) counts.delete(name)
  else counts.set(name, count)
}
