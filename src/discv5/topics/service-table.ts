import type { Enr } from '../enr/record.ts'
import { logDistance } from '../table/distance.ts'
import { BUCKET_SIZE } from '../table/table.ts'
import { MAX_TOPIC_DISTANCES } from '../wire/topic-message.ts'

/** discv5 theory, § Service Tables: `B(s)`, the nodes that speak of topics by their distance from one. Bounded: sixteen of each of 256 distances. */
export class ServiceTable {
  readonly #topic: Uint8Array
  readonly #buckets = new Map<number, Map<string, Enr>>()

  constructor (topic: Uint8Array) {
    this.#topic = topic
  }

  /** The farthest first: the order in which advertisers and lookups go. */
  get distances (): number[] { return [...this.#buckets.keys()].sort((a, b) => b - a) }

  bucket (distance: number): Enr[] { return [...this.#buckets.get(distance)?.values() ?? []] }

  /** A record that was verified and is of a node that may be asked. A newer one takes the place of the older. */
  add (record: Enr): void {
    const distance = logDistance(this.#topic, record.id)
    if (distance === 0) return // the theory has no bucket for a node that is the topic
    const bucket = this.#buckets.get(distance) ?? new Map<string, Enr>()
    const known = bucket.get(record.nodeId)
    if (known === undefined ? bucket.size >= BUCKET_SIZE : known.seq >= record.seq) return
    bucket.set(record.nodeId, record)
    this.#buckets.set(distance, bucket)
  }

  removeAll (isGone: (record: Enr) => boolean): void {
    for (const [distance, bucket] of this.#buckets) {
      for (const record of bucket.values()) if (isGone(record)) bucket.delete(record.nodeId)
      if (bucket.size === 0) this.#buckets.delete(distance)
    }
  }

  /** Distances that have room, to be asked for: the farthest first, as the most nodes are there. */
  wanted (): number[] {
    const wanted: number[] = []
    for (let distance = 256; distance > 0 && wanted.length < MAX_TOPIC_DISTANCES; distance--) {
      if ((this.#buckets.get(distance)?.size ?? 0) < BUCKET_SIZE) wanted.push(distance)
    }
    return wanted
  }
}
