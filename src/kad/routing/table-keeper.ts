import type { IdentifyResult, Peer, PeerId } from '@libp2p/interface'
import type { Clock } from '../../core/component.ts'
import type { Logger } from '../../observability/logger.ts'
import type { Metrics } from '../../observability/metrics.ts'
import { groupsOfAddresses, toAddressText, usableAddresses, type AddressScope } from '../addresses.ts'
import type { Engine } from '../engine.ts'
import type { Host } from '../host.ts'
import { kadIdOf } from '../keyspace.ts'
import type { Membership } from '../members/membership.ts'
import type { AddressBook } from './address-book.ts'
import type { DiversityCount } from './diversity.ts'
import type { RoutingView } from './routing-view.ts'

interface Options {
  readonly scope: AddressScope
  /** Peers of one bucket, k. */
  readonly bucketSize: number
}

/** Far peers are sorted by this many bits: 64 buckets of k, as the engine has by itself. */
const FAR_BITS = 6
/** In the metrics, this bucket stands for all from here on: a table of 2^31 peers would fill it. */
const LAST_BUCKET = 31

interface Deps {
  readonly host: Pick<Host, 'addEventListener' | 'getConnections'> & { readonly peerStore: Pick<Host['peerStore'], 'get'> }
  readonly engine: Pick<Engine, 'guardTable' | 'onTableChange' | 'drop'>
  readonly membership: Membership
  readonly view: RoutingView
  readonly diversity: DiversityCount
  readonly book: AddressBook
  readonly metrics: Metrics['kad']
  readonly log: Logger
  readonly now: Clock
}

/** Keeps the routing view current with the engine's table, and keeps peers of crowded networks out of both, for as long as the host lives. */
export function keepTable (opts: Options, deps: Deps): void {
  const keeper = new TableKeeper(opts, deps)
  const { host, engine } = deps
  engine.guardTable(keeper)
  engine.onTableChange({ added: peer => { keeper.added(peer) }, removed: peer => { keeper.remove(peer) } })
  host.addEventListener('peer:identify', ({ detail }) => { keeper.identified(detail) })
  host.addEventListener('peer:update', ({ detail }) => { keeper.updated(detail.peer) })
}

class TableKeeper {
  readonly #opts: Options
  readonly #deps: Deps
  /** Peers that came into the table and whose addresses are being read. Bounded by the table. */
  readonly #arriving = new Set<string>()

  constructor (opts: Options, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
  }

  /**
   * A bucket of k for each sixth-bit prefix, and in our own corner one for each bit more, down to our nearest neighbours. The engine's
   * own table stops dividing at six bits; from 100,000 nodes on it then misses most of those closest to us (bench/simulate).
   */
  hasRoomFor (peer: PeerId): boolean {
    const { view, membership } = this.#deps
    const bytes = peer.toMultihash().bytes
    if (!membership.admits(peer.toString(), 'table')) return false
    if (view.get(peer.toString()) !== undefined) return true
    return view.countSharing(kadIdOf(bytes), Math.max(FAR_BITS, view.bucketOf(bytes) + 1)) < this.#opts.bucketSize
  }

  async admits (peer: PeerId): Promise<boolean> {
    return this.#isDiverse(peer, await this.#addressesOf(peer))
  }

  added (peer: PeerId): void {
    this.#add(peer).catch(err => this.#deps.log.warn({ event: 'routing_view_failed', err }, 'routing view could not follow the table'))
  }

  async #add (peer: PeerId): Promise<void> {
    const { engine, view, diversity, metrics, now } = this.#deps
    const id = peer.toString()
    this.#arriving.add(id)
    const addrs = await this.#addressesOf(peer)
    if (!this.#arriving.delete(id)) return // it left the table meanwhile
    this.remove(peer) // what was known of it counts no more
    // Two peers of one group or bucket may have been verified at the same time; the one too many goes again.
    if (!this.hasRoomFor(peer) || !this.#isDiverse(peer, addrs)) return await engine.drop(peer)
    const groups = groupsOfAddresses(addrs.map(toAddressText))
    const bytes = peer.toMultihash().bytes
    view.set({ id, bytes, addrs, groups, addedAt: now() })
    diversity.add(groups, view.bucketOf(bytes))
    metrics.bucketPeers.inc({ bucket: toBucketLabel(view.bucketOf(bytes)) })
    metrics.routingTablePeers.set(view.size)
  }

  remove (peer: PeerId): void {
    const { view, diversity, metrics } = this.#deps
    this.#arriving.delete(peer.toString())
    const removed = view.delete(peer.toString())
    if (removed !== undefined) {
      diversity.remove(removed.groups, removed.bucket)
      metrics.bucketPeers.dec({ bucket: toBucketLabel(removed.bucket) })
    }
    metrics.routingTablePeers.set(view.size)
  }

  #isDiverse (peer: PeerId, addrs: readonly Uint8Array[]): boolean {
    const { view, diversity, metrics, log } = this.#deps
    const groups = groupsOfAddresses(addrs.map(toAddressText))
    const full = diversity.fullScope(groups, view.bucketOf(peer.toMultihash().bytes))
    if (full === undefined) return true
    metrics.diversityRefused.inc({ scope: full })
    log.debug({ peer: peer.toString(), groups, scope: full }, 'kept out of the routing table: its IP group is full')
    return false
  }

  identified ({ peerId, listenAddrs }: IdentifyResult): void {
    const id = peerId.toString()
    this.#deps.book.set(id, usableAddresses(listenAddrs.map(({ bytes }) => bytes), id, this.#opts.scope))
  }

  /** Addresses of a peer in the table changed. Its groups stay those it was admitted with: it cannot talk its way out of them. */
  updated (peer: Peer): void {
    const { view } = this.#deps
    const held = view.get(peer.id.toString())
    if (held === undefined) return
    const addrs = this.#usable(peer.id, peer.addresses.map(({ multiaddr }) => multiaddr.bytes))
    if (addrs.length > 0) view.set({ ...held, addrs })
  }

  /** Where the peer is reached, and what it says of itself: each may give away the network it is in. */
  async #addressesOf (peer: PeerId): Promise<Uint8Array[]> {
    const { host } = this.#deps
    const stored = await host.peerStore.get(peer).then(({ addresses }) => addresses.map(({ multiaddr }) => multiaddr.bytes), () => [])
    const dialled = host.getConnections(peer).filter(({ direction }) => direction === 'outbound').map(({ remoteAddr }) => remoteAddr.bytes)
    return this.#usable(peer, [...stored, ...dialled])
  }

  #usable (peer: PeerId, addrs: readonly Uint8Array[]): Uint8Array[] {
    return usableAddresses(addrs, peer.toString(), this.#opts.scope)
  }
}

function toBucketLabel (bucket: number): string {
  return String(Math.min(bucket, LAST_BUCKET))
}
