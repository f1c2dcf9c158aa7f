import type { Liveness } from './liveness.ts'
import { bitOf, ID_BITS, type Id, type Population } from './population.ts'
import { hashOf, Random } from './random.ts'

/** How a routing table divides the key space into buckets. A bucket of fewer peers than it can hold has all of them. */
export interface TableShape {
  /** Peers in one bucket. */
  readonly bucketSize: number
  /** The whole space is divided to this depth: 2^depth buckets. @libp2p/kad-dht: `prefixLength`, 6. */
  readonly trieDepth: number
  /** Whether the bucket that holds the owner is divided on and on, as Kademlia does it. @libp2p/kad-dht does not. */
  readonly splitsOwnBucket: boolean
  /** Further divisions of each bucket beside the own branch: 2^bits buckets instead of one (Kademlia §4.2). */
  readonly extraBits: number
  /** Where the own bucket is not divided: how many of its peers are the owner's nearest, the rest being anybody. */
  readonly nearest: number
}

export const KADEMLIA: TableShape = { bucketSize: 20, trieDepth: 0, splitsOwnBucket: true, extraBits: 0, nearest: 0 }
export const ENGINE: TableShape = { bucketSize: 20, trieDepth: 6, splitsOwnBucket: false, extraBits: 0, nearest: 0 }

interface Search {
  readonly owner: number
  readonly ownerId: Id
  readonly target: Id
  readonly count: number
  /** Bounded by count and one bucket. */
  readonly found: number[]
}

/**
 * The routing tables of all peers. None is kept: a bucket is worked out when a walk comes by, as the first k peers listed in an
 * order of its range that belongs to this owner. A peer is asked once a walk, so that there is nothing to cache.
 */
export class Tables {
  readonly shape: TableShape
  readonly #population: Population
  readonly #liveness: Liveness
  readonly #seed: number

  constructor (shape: TableShape, population: Population, liveness: Liveness, seed: number) {
    this.shape = shape
    this.#population = population
    this.#liveness = liveness
    this.#seed = seed
  }

  /** The peers in `owner`'s table that are closest to `target`, closest first. */
  closest (owner: number, target: Id, count: number): number[] {
    const search: Search = { owner, ownerId: this.#population.idOf(owner), target, count, found: [] }
    this.#collect(search, 0, this.#population.size, 0, true, this.shape.splitsOwnBucket ? ID_BITS : this.shape.trieDepth)
    if (search.found.length > count) search.found.length = count
    return search.found
  }

  /** Visits buckets in the order of their distance: a subtree on the target's side is nearer as a whole than its sibling. */
  #collect (search: Search, from: number, to: number, depth: number, isOwn: boolean, leafDepth: number): void {
    if (search.found.length >= search.count || from === to) return
    if (to - from <= this.shape.bucketSize || depth >= leafDepth) {
      const peers = this.#bucket(search, from, to, depth, isOwn)
      search.found.push(...peers.sort((a, b) => this.#population.compareDistance(a, b, search.target)))
      return
    }
    const { trieDepth, extraBits } = this.shape
    const middle = this.#population.split(from, to, depth)
    const near = bitOf(search.target, depth)
    for (const side of [near, 1 - near]) {
      const staysOwn = isOwn && side === bitOf(search.ownerId, depth)
      const childLeafDepth = isOwn && !staysOwn ? Math.max(trieDepth, depth + 1 + extraBits) : leafDepth
      if (side === 0) this.#collect(search, from, middle, depth + 1, staysOwn, childLeafDepth)
      else this.#collect(search, middle, to, depth + 1, staysOwn, childLeafDepth)
    }
  }

  #bucket ({ owner, ownerId }: Search, from: number, to: number, depth: number, isOwn: boolean): number[] {
    const { bucketSize, nearest } = this.shape
    const isListed = (peer: number): boolean => peer !== owner && this.#liveness.lists(owner, peer)
    const peers: number[] = []
    if (to - from <= bucketSize) {
      for (let peer = from; peer < to; peer++) if (isListed(peer)) peers.push(peer)
      return peers
    }
    if (isOwn && nearest > 0) peers.push(...this.#population.closest(ownerId, nearest, peer => peer >= from && peer < to && isListed(peer)))
    for (const peer of inOwnOrder(from, to, new Random(hashOf(this.#seed, owner, from, depth)), bucketSize)) {
      if (peers.length === bucketSize) break
      if (isListed(peer) && !(nearest > 0 && peers.includes(peer))) peers.push(peer)
    }
    return peers
  }
}

/** The range's peers in random order. Of a wide range only as many as can be needed: 16 buckets' worth. */
function * inOwnOrder (from: number, to: number, random: Random, bucketSize: number): Generator<number> {
  const most = bucketSize * 16
  if (to - from <= most) {
    yield * random.shuffle(Array.from({ length: to - from }, (_, index) => from + index))
    return
  }
  const drawn = new Set<number>()
  while (drawn.size < most / 2) {
    const peer = from + random.below(to - from)
    if (drawn.has(peer)) continue
    drawn.add(peer)
    yield peer
  }
}
