import type { PeerId, PeerInfo } from '@libp2p/interface'
import type { KadDHT, QueryEvent } from '@libp2p/kad-dht'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import * as Digest from 'multiformats/hashes/digest'
import type { MultihashKey } from '../core/key.ts'
import type { Walk } from '../core/peer.ts'
import type { Host } from './host.ts'
import { WalkRecorder } from './walk-recorder.ts'

/** What a contact has to pass before the engine takes it into its table, before and after it has answered a ping. */
export interface TableGuard {
  /** Costs nothing: most contacts are heard of again and again. */
  hasRoomFor (peer: PeerId): boolean
  admits (peer: PeerId): Promise<boolean>
}

/** The public members of the engine's routing table that we hook into; its package exports only the size as a type. */
interface EngineTable extends EventTarget {
  readonly kb: { verify: (contact: { readonly peerId: PeerId }, options?: object) => Promise<boolean> }
  readonly size: number
  queueRoutingTableUpdate (peer: PeerId): void
  remove (peer: PeerId): Promise<void>
}

/** How wide the engine's queries are: read when a query begins, so those under way keep what they began with. */
interface EngineQueries {
  alpha: number
  disjointPaths: number
}

/**
 * kad-dht as we use it: iterative queries and the routing table. The only place that knows its events, and the members it does not
 * export as types.
 */
export class Engine {
  readonly #dht: KadDHT
  readonly #table: EngineTable
  readonly #host: Host

  constructor (host: Host) {
    this.#host = host
    this.#dht = host.services.dht
    this.#table = (this.#dht as KadDHT & { readonly routingTable: EngineTable }).routingTable
  }

  /** For every lookup that begins from now on. */
  setWidth ({ concurrency, disjointPaths }: { readonly concurrency: number, readonly disjointPaths: number }): void {
    const { queryManager } = this.#dht as KadDHT & { readonly queryManager: EngineQueries }
    queryManager.alpha = concurrency
    queryManager.disjointPaths = disjointPaths
  }

  get tableSize (): number { return this.#table.size }

  /** Puts the guard before every insertion into the table; a contact it refuses stays out. */
  guardTable (guard: TableGuard): void {
    const verify = this.#table.kb.verify.bind(this.#table.kb)
    this.#table.kb.verify = async (contact, options) =>
      guard.hasRoomFor(contact.peerId) && await verify(contact, options) && await guard.admits(contact.peerId)
  }

  onTableChange (listeners: { readonly added: (peer: PeerId) => void, readonly removed: (peer: PeerId) => void }): void {
    this.#table.addEventListener('peer:add', event => listeners.added((event as CustomEvent<PeerId>).detail))
    this.#table.addEventListener('peer:remove', event => listeners.removed((event as CustomEvent<PeerId>).detail))
  }

  /** Calls back each time a look-up of our own ID has ended. */
  onSelfLookup (listener: () => void): void {
    (this.#host as EventTarget).addEventListener('kad-dht:query:self', listener)
  }

  /** Suggests a peer that answered for the table; the engine verifies it. Cheap when it is there already. */
  offer (peer: PeerId): void {
    this.#table.queueRoutingTableUpdate(peer)
  }

  async drop (peer: PeerId): Promise<void> {
    await this.#table.remove(peer)
  }

  /** Providers in the order the network names them; peers may repeat. Ends when k were found or nobody is left to ask. */
  async * findProviders (key: MultihashKey, walk: Walk): AsyncGenerator<PeerInfo> {
    const cid = CID.createV1(raw.code, Digest.decode(key)) // the engine wants a CID and sends its multihash
    const recorder = new WalkRecorder(walk.trace, walk.span)
    for await (const event of this.#events(this.#dht.findProviders(cid, { signal: walk.signal }), recorder)) {
      if (event.name !== 'PROVIDER') continue
      if (walk.trace.path.length === 0) recorder.reachedAt(event.from.toString())
      yield * event.providers
    }
  }

  /** Addresses of one peer, as often as the network names it. */
  async * findPeer (peer: PeerId, walk: Walk): AsyncGenerator<PeerInfo> {
    const recorder = new WalkRecorder(walk.trace, walk.span)
    const events = this.#dht.findPeer(peer, { signal: walk.signal, useCache: false })
    try {
      for await (const event of this.#events(events, recorder)) {
        if (event.name !== 'FINAL_PEER') continue
        if (walk.trace.path.length === 0) recorder.reachedAt(event.from.toString())
        yield event.peer
      }
    } catch (err) {
      if ((err as Error).name !== 'NotFoundError') throw err // the engine's way to say that nobody knows the peer
    }
  }

  /** The k peers closest to the key that answered, closest first. Nothing is yielded before the walk has ended. */
  async * findClosest (key: Uint8Array, walk: Walk): AsyncGenerator<PeerInfo> {
    const recorder = new WalkRecorder(walk.trace, walk.span)
    for await (const event of this.#events(this.#dht.getClosestPeers(key, { signal: walk.signal }), recorder)) {
      if (event.name !== 'FINAL_PEER') continue
      if (walk.trace.path.length === 0) recorder.reachedAt(event.peer.id.toString())
      yield event.peer
    }
  }

  /** Values that peers returned for the key, not validated. */
  async * findValues (key: Uint8Array, walk: Walk): AsyncGenerator<Uint8Array> {
    const recorder = new WalkRecorder(walk.trace, walk.span)
    try {
      for await (const event of this.#events(this.#dht.get(key, { signal: walk.signal }), recorder)) {
        if (event.name !== 'PEER_RESPONSE' || event.messageName !== 'GET_VALUE' || event.record === undefined) continue
        recorder.reachedAt(event.from.toString())
        yield event.record.value
      }
    } catch (err) {
      // At its end the engine corrects peers that hold an older value, and fails as a whole when one of them refuses.
      if ((err as Error).name !== 'QueryError') throw err
    }
  }

  async * #events (events: AsyncIterable<QueryEvent>, recorder: WalkRecorder): AsyncGenerator<QueryEvent> {
    try {
      for await (const event of events) {
        recorder.record(event)
        yield event
      }
    } finally {
      recorder.close()
    }
  }
}
