import { noise } from '@chainsafe/libp2p-noise'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { identify, type Identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { kadDHT, passthroughMapper, removePrivateAddressesMapper, type KadDHT } from '@libp2p/kad-dht'
import { ping, type Ping } from '@libp2p/ping'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { corkedTcp } from './transport/corked-tcp.ts'
import { toLibp2pLogger } from './transport/libp2p-logger.ts'
import { rememberProtocols } from './transport/peer-protocols.ts'
import { thriftyYamux } from './transport/thrifty-yamux.ts'
import { webSockets } from '@libp2p/websockets'
import { ipnsSelector } from 'ipns/selector'
import { ipnsValidator } from 'ipns/validator'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import type { Registry } from 'prom-client'
import type { RejectReason } from '../core/errors.ts'
import type { IdentityKey } from '../kms/identity.ts'
import type { Logger } from '../observability/logger.ts'
import { ipOfAddress, isInScope, type AddressScope } from './addresses.ts'
import type { Membership } from './members/membership.ts'
import { membersOnly } from './members/members-only.ts'
import { BoundedDatastore } from './bounded-datastore.ts'

export interface HostOptions {
  readonly protocol: string
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  readonly addresses: AddressScope
  readonly bucketSize: number
  readonly concurrency: number
  readonly disjointPaths: number
  readonly maxConnections: number
  readonly inboundConnectionsPerSecond: number
  readonly version: string
}

export interface HostDeps {
  readonly identity: IdentityKey
  readonly registry: Registry
  readonly log: Logger
  readonly gate?: PeerGate | undefined
  /** Told of each inbound connection that the gate refused. */
  readonly onRefused?: ((reason: RejectReason) => void) | undefined
  readonly membership: Membership
  /** In place of TCP, WebSocket and QUIC: for a network that is made to be measured. */
  readonly transports?: readonly TransportFactory[] | undefined
}

/** Who may be connected. Asked when an address is known, and again when the peer behind it is. */
export interface PeerGate {
  /** Why the party may not be connected; undefined when it may. */
  refusal (subject: { readonly peerId?: string | undefined, readonly ip?: string | undefined }): RejectReason | undefined
}

export interface HostServices extends Record<string, unknown> {
  readonly identify: Identify
  readonly ping: Ping
  readonly dht: KadDHT
}

export type Host = Libp2p<HostServices>

export type TransportFactory = NonNullable<Libp2pOptions['transports']>[number]

/** IPFS kad-dht: addresses of providers are kept 24 h, and FIND_NODE tells of peers seen lately; libp2p's own default is an hour. */
const PEER_STORE = { maxAddressAge: 24 * 3_600_000, maxPeerAge: 48 * 3_600_000 }

/** Bits that the engine's table may divide by. Our nearest neighbours share about 20 with us among a million nodes. */
const TABLE_DEPTH = 32

/** Shortest patience with one RPC, connecting included. The engine's own 5 s let a lookup among many dead peers run into its deadline. */
const RPC_TIMEOUT_MS = 3000

/** Peers remembered by libp2p; each takes about 1 kB. */
const MAX_REMEMBERED_PEERS = 50_000

/**
 * A libp2p host that is not started: transports, noise, yamux, identify, ping, and kad-dht as query engine and routing table. It
 * runs in client mode, which keeps its protocol handler away: ours answers. Also says which transports it has.
 */
export async function createHost (options: HostOptions, deps: HostDeps): Promise<{ readonly host: Host, readonly transports: readonly string[] }> {
  const quic = deps.transports === undefined ? await loadQuic(deps.log) : undefined
  const listen = options.listen.filter(address => quic !== undefined || !address.includes('/quic-v1'))
  const libp2pOptions: Libp2pOptions<HostServices> = {
    start: false,
    logger: toLibp2pLogger(deps.log),
    privateKey: privateKeyFromRaw(deps.identity.ed25519Key()),
    nodeInfo: { name: 'svc-dht', version: options.version, userAgent: `svc-dht/${options.version}` },
    addresses: { listen, announce: [...options.announce] },
    transports: [...deps.transports ?? [corkedTcp(), webSockets(), ...(quic === undefined ? [] : [quic])]],
    connectionEncrypters: [noise()],
    streamMuxers: [thriftyYamux()],
    connectionManager: {
      maxConnections: options.maxConnections,
      inboundConnectionThreshold: options.inboundConnectionsPerSecond,
      maxIncomingPendingConnections: Math.max(10, options.inboundConnectionsPerSecond),
    },
    connectionGater: membersOnly(toGater(options.addresses, deps), deps.membership),
    datastore: new BoundedDatastore(MAX_REMEMBERED_PEERS),
    peerStore: PEER_STORE,
    metrics: prometheusMetrics({ registry: deps.registry }),
    services: {
      identify: identify(),
      ping: ping({ maxInboundStreams: 8 }),
      dht: kadDHT({
        protocol: options.protocol,
        clientMode: true,
        kBucketSize: options.bucketSize,
        prefixLength: TABLE_DEPTH, // TableKeeper decides where the table divides
        networkDialTimeout: { minTimeout: RPC_TIMEOUT_MS },
        alpha: options.concurrency,
        disjointPaths: options.disjointPaths,
        peerInfoMapper: options.addresses === 'any' ? passthroughMapper : removePrivateAddressesMapper,
        validators: { ipns: ipnsValidator },
        selectors: { ipns: ipnsSelector },
      }),
    },
  }
  const transports = ['tcp', 'ws', ...(quic === undefined ? [] : ['quic'])]
  const host = await createLibp2p(libp2pOptions)
  rememberProtocols(host.peerStore)
  return { host, transports }
}

/** Dials only addresses in scope, and asks the gate in both directions. Without a gate everybody may connect. */
function toGater (scope: AddressScope, { gate, onRefused }: Pick<HostDeps, 'gate' | 'onRefused'>): NonNullable<Libp2pOptions['connectionGater']> {
  const refusal = (peerId: string | undefined, address?: { toString (): string }) =>
    gate?.refusal({ peerId, ip: address === undefined ? undefined : ipOfAddress(address.toString()) })
  const deniesInbound = (...subject: Parameters<typeof refusal>): boolean => {
    const reason = refusal(...subject)
    if (reason !== undefined) onRefused?.(reason)
    return reason !== undefined
  }
  return {
    denyDialMultiaddr: address => !isInScope(address.toString(), scope) || refusal(undefined, address) !== undefined,
    denyDialPeer: peer => refusal(peer.toString()) !== undefined,
    denyOutboundEncryptedConnection: (peer, connection) => refusal(peer.toString(), connection.remoteAddr) !== undefined,
    denyInboundConnection: connection => deniesInbound(undefined, connection.remoteAddr),
    denyInboundEncryptedConnection: (peer, connection) => deniesInbound(peer.toString(), connection.remoteAddr),
  }
}

/** QUIC is a native package without a build for every platform, so it may be absent. */
async function loadQuic (log: Logger): Promise<TransportFactory | undefined> {
  try {
    const { quic } = await import('@chainsafe/libp2p-quic')
    return quic()
  } catch (err) {
    log.warn({ event: 'quic_unavailable', err }, 'QUIC is not available on this platform: its listen addresses are skipped')
    return undefined
  }
}
