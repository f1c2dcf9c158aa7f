import { hashOf, Random } from './random.ts'

/** A place in the key space, as two unsigned 32-bit halves: a prefix of the 256 bits, long enough that a million do not collide. */
export interface Id { readonly hi: number, readonly lo: number }

export const ID_BITS = 64

export function randomId (random: Random): Id {
  return { hi: random.uint32(), lo: random.uint32() }
}

export function bitOf (id: Id, depth: number): 0 | 1 {
  return ((depth < 32 ? id.hi >>> (31 - depth) : id.lo >>> (63 - depth)) & 1) as 0 | 1
}

/**
 * All peers there are, in the order of their IDs: whoever shares a prefix is one range of indices. A peer is its index.
 * 8 bytes a peer.
 */
export class Population {
  readonly size: number
  readonly #hi: Uint32Array
  readonly #lo: Uint32Array

  constructor (size: number, seed: number) {
    this.size = size
    const random = new Random(hashOf(seed, size))
    const ids = new BigUint64Array(size)
    for (let index = 0; index < size; index++) ids[index] = BigInt(random.uint32()) << 32n | BigInt(random.uint32())
    ids.sort()
    this.#hi = Uint32Array.from(ids, id => Number(id >> 32n))
    this.#lo = Uint32Array.from(ids, id => Number(id & 0xffff_ffffn))
  }

  idOf (peer: number): Id {
    return { hi: this.#hi[peer] as number, lo: this.#lo[peer] as number }
  }

  /** Below zero when `a` is closer to `target` by XOR distance than `b`. */
  compareDistance (a: number, b: number, target: Id): number {
    const difference = (((this.#hi[a] as number) ^ target.hi) >>> 0) - (((this.#hi[b] as number) ^ target.hi) >>> 0)
    return difference !== 0 ? difference : (((this.#lo[a] as number) ^ target.lo) >>> 0) - (((this.#lo[b] as number) ^ target.lo) >>> 0)
  }

  /** The first peer from `from` up to `to`, who all share `depth` bits, whose next bit is 1; `to` when there is none. */
  split (from: number, to: number, depth: number): number {
    const half = depth < 32 ? this.#hi : this.#lo
    const shift = depth < 32 ? 31 - depth : 63 - depth
    while (from < to) {
      const middle = (from + to) >>> 1
      if ((((half[middle] as number) >>> shift) & 1) === 0) from = middle + 1
      else to = middle
    }
    return from
  }

  /** The peers closest to `target` among those accepted, closest first. Exact: what a perfect lookup returns. */
  closest (target: Id, count: number, accepts: (peer: number) => boolean): number[] {
    const found: number[] = []
    this.#collect(found, target, count, accepts, 0, this.size, 0)
    return found.slice(0, count)
  }

  /** A subtree on the target's side is nearer as a whole than its sibling, so the order of visits is the order of distance. */
  #collect (found: number[], target: Id, count: number, accepts: (peer: number) => boolean, from: number, to: number, depth: number): void {
    if (found.length >= count || from === to) return
    if (to - from <= count || depth === ID_BITS) {
      const peers: number[] = []
      for (let peer = from; peer < to; peer++) if (accepts(peer)) peers.push(peer)
      found.push(...peers.sort((a, b) => this.compareDistance(a, b, target)))
      return
    }
    const middle = this.split(from, to, depth)
    const ranges = [[from, middle], [middle, to]] as const
    const near = bitOf(target, depth)
    this.#collect(found, target, count, accepts, ...ranges[near], depth + 1)
    this.#collect(found, target, count, accepts, ...ranges[1 - near] as readonly [number, number], depth + 1)
  }
}
