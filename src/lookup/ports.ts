import type { PeerRecord, Walk } from '../core/peer.ts'
import type { MultihashKey } from '../core/key.ts'

/**
 * What a discovery plane answers. `held…` come from memory and cost nothing; `walk…` ask the network until they have
 * the answer, the signal aborts (they throw) or nobody is left to ask (they end). Results come in the order found.
 */
export interface OverlayPlane {
  /** Providers whose records we hold and that have not expired. */
  heldProviders (key: MultihashKey): readonly PeerRecord[]
  walkProviders (key: MultihashKey, walk: Walk): AsyncIterable<PeerRecord>
  /** A peer that we know addresses of now: ourselves, a connection, the routing table, a provider. */
  heldPeer (id: string): Promise<PeerRecord | undefined>
  walkPeer (id: string, walk: Walk): AsyncIterable<PeerRecord>
  /** The peers closest to the key that answered, at most k, closest first. */
  walkClosest (key: Uint8Array, walk: Walk): AsyncIterable<PeerRecord>
}

/** Signed values under a namespace (`/ipns/…`, `/pk/…`): validated on the way in and on the way out. */
export interface ValuePlane {
  /** The best valid value that we hold, or that the network holds, or undefined. */
  findValue (key: Uint8Array, walk: Walk): Promise<Uint8Array | undefined>
  /**
   * Stores the value here and at the peers closest to its key.
   * @throws {DhtError} BadRequest when the value is not valid for the key, Conflict when we hold a newer one
   */
  publishValue (key: Uint8Array, value: Uint8Array, walk: Walk): Promise<{ readonly reached: number }>
}
