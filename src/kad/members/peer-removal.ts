import type { PeerId } from '@libp2p/interface'
import { DhtError } from '../../core/errors.ts'
import { toMapKey } from '../../core/map-key.ts'
import type { Logger } from '../../observability/logger.ts'
import type { Engine } from '../engine.ts'
import type { Host } from '../host.ts'
import { parsePeerId, peerIdFromBytes } from '../peer-id.ts'
import type { ProviderRecords } from '../provider/provider-records.ts'
import type { AddressBook } from '../routing/address-book.ts'
import type { RememberedPeers } from '../routing/remembered-peers.ts'
import type { RoutingView } from '../routing/routing-view.ts'
import type { ValueStore } from '../value/value-store.ts'
import type { Members, MemberSettings } from './members.ts'
import type { PeerSet } from './membership.ts'

interface Deps {
  readonly host: Pick<Host, 'peerId' | 'getConnections' | 'addEventListener'> & { readonly peerStore: Pick<Host['peerStore'], 'delete'> }
  readonly engine: Pick<Engine, 'drop'>
  readonly view: Pick<RoutingView, 'list'>
  readonly book: Pick<AddressBook, 'removeAll'>
  /** Undefined where nothing outlasts the daemon. */
  readonly remembered: Pick<RememberedPeers, 'forget'> | undefined
  readonly records: Pick<ProviderRecords, 'removeProviders'>
  readonly values: Pick<ValueStore, 'removeFrom'>
  readonly members: Members
  readonly log: Logger
}

export interface Removed {
  readonly connections: number
  readonly records: number
  readonly values: number
}

/** Takes away at once all that peers have of us: connections with what runs on them, their places, records and values. */
export class PeerRemoval {
  readonly #deps: Deps

  constructor (deps: Deps) {
    this.#deps = deps
    // A connection that was let in before the list changed may be complete only after it.
    deps.host.addEventListener('connection:open', ({ detail }) => {
      if (deps.members.outsiders.has(detail.remotePeer.toString())) detail.abort(removedError())
    })
  }

  /**
   * Puts another list of members in force. Whom it shuts out is refused from the moment of the call; resolves when nothing of theirs
   * is held any more.
   * @throws {DhtError} BadRequest, and then nothing has changed
   */
  async setMembers (settings: MemberSettings): Promise<Removed> {
    this.#deps.members.replace(settings)
    return await this.#remove(this.#deps.members.outsiders)
  }

  /**
   * Removes one peer. It may come back unless something else denies it.
   * @throws {DhtError} BadRequest for what is no peer ID, and for our own
   */
  async dropPeer (peerId: string): Promise<Removed> {
    const peer = parsePeerId(peerId)
    if (peer.equals(this.#deps.host.peerId)) throw new DhtError('BadRequest', 'A daemon does not drop itself.')
    const name = peer.toString()
    const binary = toMapKey(peer.toMultihash().bytes)
    return await this.#remove({ has: id => id === name, hasBytes: bytes => toMapKey(bytes) === binary }, peer)
  }

  async #remove (gone: PeerSet, ...also: readonly PeerId[]): Promise<Removed> {
    const { host, engine, view, book, remembered, records, values, log } = this.#deps
    const connections = host.getConnections().filter(({ remotePeer }) => gone.has(remotePeer.toString()))
    for (const connection of connections) connection.abort(removedError())
    book.removeAll(gone)
    const listed = view.list().filter(({ id }) => gone.has(id)).map(({ bytes }) => peerIdFromBytes(bytes)).filter(peer => peer !== undefined)
    await Promise.all(listed.map(async peer => await engine.drop(peer)))
    // Memory first, and the disk when it can: it may be slow.
    const removed = { connections: connections.length, records: await records.removeProviders(gone), values: await values.removeFrom(gone) }
    const known = [...connections.map(({ remotePeer }) => remotePeer), ...listed, ...also]
    await Promise.all(known.map(async peer => await host.peerStore.delete(peer)))
    await remembered?.forget(gone)
    if (connections.length + listed.length + removed.records + removed.values > 0) log.info({ event: 'peers_removed', ...removed, listed: listed.length }, 'peers removed')
    return removed
  }
}

function removedError (): DhtError {
  return new DhtError('NoCapability', 'This peer was removed.')
}
