import type { PeerId } from '@libp2p/interface'
import type { MultihashKey } from '../core/key.ts'
import { prefixesOfAddresses, toAddressText } from './addresses.ts'
import type { Announcer } from './announcer.ts'
import type { Host } from './host.ts'
import { headOf, kadIdOf } from './keyspace.ts'
import { parsePeerId, peerIdFromBytes } from './peer-id.ts'
import type { ProviderRecords } from './provider/provider-records.ts'
import type { RecordSource } from './provider/record.ts'
import type { RoutingView } from './routing/routing-view.ts'
import type { ValueStore } from './value/value-store.ts'

interface Deps {
  readonly host: Pick<Host, 'getConnections' | 'getMultiaddrs' | 'peerId'>
  readonly view: RoutingView
  readonly records: ProviderRecords
  readonly values: Pick<ValueStore, 'size'>
  readonly announcer: Pick<Announcer, 'size'>
}

export interface InspectedTotals {
  readonly peerId: string
  readonly addresses: readonly string[]
  readonly connections: number
  readonly routingTablePeers: number
  readonly providerRecords: number
  readonly providerKeys: number
  readonly expiryLagMs: number
  readonly values: number
  readonly announcedKeys: number
}

export interface InspectedPeer {
  readonly id: string
  readonly addrs: readonly string[]
  readonly bucket: number
  readonly ipGroups: readonly string[]
  readonly addedAt: number
  readonly isConnected: boolean
}

/** Where we and the peers of the table stand: the Kademlia ID as a fraction of the keyspace, 0 to 1. */
export interface InspectedKeyspace {
  readonly position: number
  readonly peers: readonly number[]
  /** Those that have any; the index is the number of leading bits shared with us. */
  readonly buckets: ReadonlyArray<{ readonly bucket: number, readonly peers: number }>
}

export interface InspectedRecord {
  readonly provider: string
  readonly addrs: readonly string[]
  readonly receivedAt: number
  readonly expiresAt: number
  readonly source: RecordSource
  readonly ipPrefix: string | undefined
}

export interface InspectedQuota { readonly used: number, readonly limit: number }

export interface InspectedQuotas {
  readonly peer: string
  readonly records: InspectedQuota
  readonly prefixes: ReadonlyArray<InspectedQuota & { readonly prefix: string }>
  readonly total: InspectedQuota
  readonly announcements: { readonly available: number, readonly perSecond: number }
}

/** Who holds most, largest first; at most ten of each. */
export interface InspectedHolders {
  readonly peers: ReadonlyArray<InspectedQuota & { readonly peer: string }>
  readonly prefixes: ReadonlyArray<InspectedQuota & { readonly prefix: string }>
  readonly total: InspectedQuota
}

/** Heads are 32 bits. */
const KEYSPACE = 2 ** 32

/** What operators ask to see: who is in the table, what is held and why, and how much of a quota is used. */
export class Inspection {
  readonly #deps: Deps

  constructor (deps: Deps) {
    this.#deps = deps
  }

  totals (): InspectedTotals {
    const { host, view, records, values, announcer } = this.#deps
    return {
      peerId: host.peerId.toString(),
      addresses: host.getMultiaddrs().map(String),
      connections: host.getConnections().length,
      routingTablePeers: view.size,
      providerRecords: records.size,
      providerKeys: records.keys,
      expiryLagMs: records.expiryLagMs,
      values: values.size,
      announcedKeys: announcer.size,
    }
  }

  peers (): InspectedPeer[] {
    const connected = new Set(this.#deps.host.getConnections().map(({ remotePeer }) => remotePeer.toString()))
    return this.#deps.view.list().map(({ id, addrs, bucket, groups, addedAt }) => (
      { id, addrs: addrs.map(toAddressText), bucket, ipGroups: groups, addedAt, isConnected: connected.has(id) }
    ))
  }

  keyspace (): InspectedKeyspace {
    const { host, view } = this.#deps
    const peers = view.list()
    const buckets = Map.groupBy(peers, ({ bucket }) => bucket)
    return {
      position: headOf(kadIdOf(host.peerId.toMultihash().bytes)) / KEYSPACE,
      peers: peers.map(({ head }) => head / KEYSPACE),
      buckets: [...buckets].map(([bucket, { length }]) => ({ bucket, peers: length })),
    }
  }

  records (key: MultihashKey): InspectedRecord[] {
    return this.#deps.records.held(key).map(({ provider, addrs, receivedAt, expiresAt, source, prefix }) => (
      { provider: peerIdFromBytes(provider)?.toString() ?? '', addrs: addrs.map(toAddressText), receivedAt, expiresAt, source, ipPrefix: prefix }
    ))
  }

  /** @throws {DhtError} BadRequest when the text is not a peer ID */
  quotas (text: string): InspectedQuotas {
    const { records } = this.#deps
    const peer = parsePeerId(text)
    const bytes = peer.toMultihash().bytes
    const { limits } = records
    const usage = records.usage(bytes)
    return {
      peer: peer.toString(),
      records: { used: usage.records, limit: limits.recordsPerPeer },
      prefixes: this.#prefixesOf(peer, bytes).map(prefix => ({ prefix, used: records.usageOfPrefix(prefix), limit: limits.recordsPerPrefix })),
      total: { used: records.size, limit: limits.records },
      announcements: { available: usage.available, perSecond: limits.addsPerPeerPerSecond },
    }
  }

  /** As of the last whole look at all holders, which takes a few sweeps of the store. */
  topHolders (): InspectedHolders {
    const { records } = this.#deps
    const { limits } = records
    return {
      peers: records.topHolders('peer').map(({ who, records: used }) => ({ peer: typeof who === 'string' ? who : peerIdFromBytes(who)?.toString() ?? '', used, limit: limits.recordsPerPeer })),
      prefixes: records.topHolders('prefix').map(({ who, records: used }) => ({ prefix: String(who), used, limit: limits.recordsPerPrefix })),
      total: { used: records.size, limit: limits.records },
    }
  }

  /** The prefixes a peer is seen at: those of its connections, which is what counts, or else of what it announced. */
  #prefixesOf (peer: PeerId, bytes: Uint8Array): string[] {
    const { host, records } = this.#deps
    const seen = host.getConnections().filter(({ remotePeer }) => remotePeer.equals(peer)).map(({ remoteAddr }) => remoteAddr.toString())
    return prefixesOfAddresses(seen.length > 0 ? seen : (records.addressesOf(bytes) ?? []).map(toAddressText))
  }
}
