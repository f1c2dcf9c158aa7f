import { commonPrefixLength, compareDistance, headOf, kadIdOf, type KadId } from '../keyspace.ts'
import { encodePeer, type EncodedPeer } from '../rpc/message.ts'

/** A server of the routing table, with everything that a reply needs worked out before anybody asks. */
export interface ViewPeer {
  readonly id: string
  readonly bytes: Uint8Array
  readonly kadId: KadId
  /** First 32 bits of the Kademlia ID: enough to tell nearly all distances apart. */
  readonly head: number
  /** Leading bits shared with our own Kademlia ID. */
  readonly bucket: number
  readonly addrs: readonly Uint8Array[]
  readonly encoded: EncodedPeer
  readonly groups: readonly string[]
  /** Milliseconds since the epoch. */
  readonly addedAt: number
}

interface Options {
  /** Peers that `closest` returns, k. */
  readonly count: number
  readonly self: Uint8Array
}

/**
 * What the RPC server sees of the routing table: its peers with their addresses, kept current by the engine's events, so that
 * a request costs no look-up elsewhere.
 */
export class RoutingView {
  readonly #opts: Options
  readonly #selfKadId: KadId
  /** Bounded by the engine's buckets: 64 of them, k peers each. */
  readonly #peers = new Map<string, ViewPeer>()

  constructor (opts: Options) {
    this.#opts = opts
    this.#selfKadId = kadIdOf(opts.self)
  }

  get size (): number { return this.#peers.size }

  bucketOf (peer: Uint8Array): number {
    return commonPrefixLength(kadIdOf(peer), this.#selfKadId)
  }

  get (id: string): ViewPeer | undefined { return this.#peers.get(id) }

  /** Peers whose Kademlia ID shares at least so many leading bits with this one. */
  countSharing (kadId: KadId, bits: number): number {
    let count = 0
    for (const peer of this.#peers.values()) if (commonPrefixLength(peer.kadId, kadId) >= bits) count++
    return count
  }

  /** All peers, those of the farthest bucket first. */
  list (): ViewPeer[] {
    return [...this.#peers.values()].sort((a, b) => a.bucket - b.bucket)
  }

  /** Adds a peer, or replaces what is known of it. `addedAt` of a peer that is here already is kept. */
  set (peer: Pick<ViewPeer, 'id' | 'bytes' | 'addrs' | 'groups' | 'addedAt'>): void {
    const kadId = kadIdOf(peer.bytes)
    const addedAt = this.#peers.get(peer.id)?.addedAt ?? peer.addedAt
    this.#peers.set(peer.id, {
      ...peer, addedAt, kadId, head: headOf(kadId), bucket: commonPrefixLength(kadId, this.#selfKadId), encoded: encodePeer({ id: peer.bytes, addrs: peer.addrs }),
    })
  }

  delete (id: string): ViewPeer | undefined {
    const peer = this.#peers.get(id)
    this.#peers.delete(id)
    return peer
  }

  /** The k peers closest to `target` that have addresses, closest first, without the one that asks. */
  closest (target: KadId, exceptId?: string): ViewPeer[] {
    const targetHead = headOf(target)
    const closest: ViewPeer[] = []
    for (const peer of this.#peers.values()) {
      if (peer.id === exceptId || peer.addrs.length === 0) continue
      if (closest.length === this.#opts.count && !isCloser(peer, closest[closest.length - 1] as ViewPeer, target, targetHead)) continue
      // Insertion into a short sorted list: most peers are refused by the comparison above.
      let place = closest.length
      while (place > 0 && isCloser(peer, closest[place - 1] as ViewPeer, target, targetHead)) place--
      closest.splice(place, 0, peer)
      if (closest.length > this.#opts.count) closest.pop()
    }
    return closest
  }
}

function isCloser (a: ViewPeer, b: ViewPeer, target: KadId, targetHead: number): boolean {
  const difference = ((a.head ^ targetHead) >>> 0) - ((b.head ^ targetHead) >>> 0)
  return difference === 0 ? compareDistance(a.kadId, b.kadId, target) < 0 : difference < 0
}
