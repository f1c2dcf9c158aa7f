import type { PeerId, PeerInfo } from '@libp2p/interface'
import { DhtError } from '../core/errors.ts'
import type { MultihashKey } from '../core/key.ts'
import type { PeerRecord, Walk } from '../core/peer.ts'
import { toAddressText, usableAddresses, type AddressScope } from './addresses.ts'
import type { Engine } from './engine.ts'
import { parsePeerId, peerIdFromBytes } from './peer-id.ts'
import type { ProviderRecords } from './provider/provider-records.ts'
import type { Publisher } from './publisher.ts'
import type { AddressBook } from './routing/address-book.ts'
import type { RoutingView } from './routing/routing-view.ts'
import { encodePeer, type EncodedPeer } from './rpc/message.ts'
import { assertValidValue } from './value/namespaces.ts'
import { encodeValueRecord } from './value/value-record.ts'
import type { ValueStore } from './value/value-store.ts'
import type { Membership } from './members/membership.ts'

interface Options { readonly scope: AddressScope }

interface Deps {
  readonly self: PeerId
  /** Our own addresses, as others may dial them. */
  readonly ownAddresses: () => readonly Uint8Array[]
  readonly engine: Pick<Engine, 'tableSize' | 'findProviders' | 'findPeer' | 'findClosest' | 'findValues'>
  readonly view: RoutingView
  readonly book: AddressBook
  readonly records: ProviderRecords
  readonly values: ValueStore
  readonly publisher: Pick<Publisher, 'publishValue'>
  readonly membership: Membership
  readonly now: () => number
}

/** The Kademlia overlay as lookups see it: what we hold, and walks through the network for what we do not. */
export class KadOverlay {
  readonly #opts: Options
  readonly #deps: Deps

  /** Held records as text. The store has one array of bytes for each provider, and the text lasts as long as that does. */
  readonly #heldTexts = new WeakMap<Uint8Array, { readonly addrs: readonly Uint8Array[], readonly record: PeerRecord }>()

  constructor (opts: Options, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
  }

  heldProviders (key: MultihashKey): readonly PeerRecord[] {
    return this.#deps.records.shuffled(key).flatMap(({ provider, addrs }) => this.#toHeldRecord(provider, addrs) ?? [])
  }

  async * walkProviders (key: MultihashKey, walk: Walk): AsyncGenerator<PeerRecord> {
    if (!this.#hasPeers) return
    for await (const found of this.#deps.engine.findProviders(key, walk)) {
      const record = this.#toRecord(found)
      // Peers that keep no addresses name a bare provider; what we know of it saves the client a walk.
      yield record.addrs.length > 0 ? record : await this.heldPeer(record.id) ?? record
    }
  }

  async heldPeer (id: string): Promise<PeerRecord | undefined> {
    const peer = parsePeerId(id)
    const addrs = this.#knownAddresses(peer)
    return addrs === undefined ? undefined : toPeerRecord(peer.toString(), addrs)
  }

  async * walkPeer (id: string, walk: Walk): AsyncGenerator<PeerRecord> {
    if (!this.#hasPeers) return
    for await (const found of this.#deps.engine.findPeer(parsePeerId(id), walk)) {
      const record = this.#toRecord(found)
      if (record.addrs.length > 0) yield record
    }
  }

  async * walkClosest (key: Uint8Array, walk: Walk): AsyncGenerator<PeerRecord> {
    if (!this.#hasPeers) return
    for await (const found of this.#deps.engine.findClosest(key, walk)) {
      const record = this.#toRecord(found)
      yield record.addrs.length > 0 ? record : await this.heldPeer(record.id) ?? record
    }
  }

  async findValue (key: Uint8Array, walk: Walk): Promise<Uint8Array | undefined> {
    const { values, engine } = this.#deps
    let best = values.get(key)
    if (!this.#hasPeers) return best
    for await (const value of engine.findValues(key, walk)) {
      const namespace = await assertValidValue(key, value).catch(() => undefined) // an invalid answer is as good as none
      if (namespace !== undefined && (best === undefined || namespace.isNewer(key, value, best))) best = value
    }
    return best
  }

  async publishValue (key: Uint8Array, value: Uint8Array, walk: Walk): Promise<{ readonly reached: number }> {
    const { values, publisher, self, now } = this.#deps
    const kept = await values.put(key, value, self.toString()).then(() => undefined, (err: unknown) => err)
    // A full store of our own need not stop others from taking the value; anything else is wrong with the value.
    if (kept !== undefined && !(kept instanceof DhtError && kept.code === 'Backpressure')) throw kept
    if (kept !== undefined) await assertValidValue(key, value) // it may have been refused before anybody looked at it
    const { reached } = this.#hasPeers ? await publisher.publishValue(key, encodeValueRecord({ key, value }, now()), walk) : { reached: 0 }
    if (kept !== undefined && reached === 0) throw kept
    return { reached }
  }

  /** A peer we know addresses of, by its binary ID, as FIND_NODE names it. */
  knownPeer (id: Uint8Array): EncodedPeer | undefined {
    const peer = peerIdFromBytes(id)
    if (peer === undefined) return undefined
    const listed = this.#deps.view.get(peer.toString())
    if (listed !== undefined && listed.addrs.length > 0) return listed.encoded
    const addrs = this.#knownAddresses(peer)
    return addrs === undefined ? undefined : encodePeer({ id, addrs })
  }

  /** Without anybody to ask, the engine would wait for a peer to appear; an answer at once is better. */
  get #hasPeers (): boolean {
    return this.#deps.engine.tableSize > 0
  }

  #knownAddresses (peer: PeerId): readonly Uint8Array[] | undefined {
    const { self, ownAddresses, membership, view, book, records } = this.#deps
    const id = peer.toString()
    if (!membership.admits(id, 'record')) return undefined
    const known = peer.equals(self) ? [ownAddresses()] : [view.get(id)?.addrs, book.get(id), records.addressesOf(peer.toMultihash().bytes)]
    return known.find(addrs => addrs !== undefined && addrs.length > 0)
  }

  #toHeldRecord (provider: Uint8Array, addrs: readonly Uint8Array[]): PeerRecord | undefined {
    const known = this.#heldTexts.get(provider)
    if (known?.addrs === addrs) return known.record
    const peer = peerIdFromBytes(provider)
    if (peer === undefined) return undefined
    const record = toPeerRecord(peer.toString(), addrs)
    this.#heldTexts.set(provider, { addrs, record })
    return record
  }

  #toRecord ({ id, multiaddrs }: PeerInfo): PeerRecord {
    return toPeerRecord(id.toString(), usableAddresses(multiaddrs.map(({ bytes }) => bytes), id.toString(), this.#opts.scope))
  }
}

function toPeerRecord (id: string, addrs: readonly Uint8Array[]): PeerRecord {
  return { id, addrs: addrs.map(toAddressText), protocols: [] }
}
