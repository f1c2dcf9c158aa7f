import type { ReadinessReport } from '../../core/readiness.ts'
import type { PeersBody, QuotasBody, RecordsBody, StatusBody } from './wire.ts'

/** A quantity and its bound, as the planes give it. */
interface Use { readonly used: number, readonly limit: number }

export interface StatusFacts {
  readonly version: string
  readonly gitSha: string
  readonly profile: string
  readonly peerId: string
  readonly protocol: string
  readonly addresses: readonly string[]
  readonly readiness: ReadinessReport
  readonly uptimeMs: number
  readonly configDigest: string
  readonly routingTablePeers: number
  readonly connections: number
  readonly providerRecords: number
  readonly providerKeys: number
  readonly expiryLagMs: number
  readonly values: number
  readonly announcedKeys: number
  readonly rssBytes: number
}

export function toStatusBody (facts: StatusFacts): StatusBody {
  return {
    version: facts.version,
    git_sha: facts.gitSha,
    profile: facts.profile,
    peer_id: facts.peerId,
    protocol: facts.protocol,
    addresses: facts.addresses,
    readiness: facts.readiness,
    uptime_seconds: facts.uptimeMs / 1000,
    config_digest: facts.configDigest,
    routing_table_peers: facts.routingTablePeers,
    connections: facts.connections,
    provider_records: facts.providerRecords,
    provider_keys: facts.providerKeys,
    expiry_lag_seconds: facts.expiryLagMs / 1000,
    values: facts.values,
    announced_keys: facts.announcedKeys,
    rss_bytes: facts.rssBytes,
  }
}

export interface PeerFacts {
  readonly id: string
  readonly addrs: readonly string[]
  readonly bucket: number
  readonly ipGroups: readonly string[]
  readonly addedAt: number
  readonly isConnected: boolean
}

export function toPeers (peers: readonly PeerFacts[]): PeersBody['peers'] {
  return peers.map(({ id, addrs, bucket, ipGroups, addedAt, isConnected }) => (
    { id, addrs, bucket, ip_groups: ipGroups, added_at: toIso(addedAt), connected: isConnected }
  ))
}

export interface RecordFacts {
  readonly provider: string
  readonly addrs: readonly string[]
  readonly receivedAt: number
  readonly expiresAt: number
  readonly source: 'rpc' | 'operator'
  readonly ipPrefix: string | undefined
}

export function toRecords (records: readonly RecordFacts[]): RecordsBody['records'] {
  return records.map(({ provider, addrs, receivedAt, expiresAt, source, ipPrefix }) => ({
    provider, addrs, received_at: toIso(receivedAt), expires_at: toIso(expiresAt), source, ...(ipPrefix !== undefined && { ip_prefix: ipPrefix }),
  }))
}

export interface QuotaFacts {
  readonly peer: string
  readonly records: Use
  readonly prefixes: ReadonlyArray<Use & { readonly prefix: string }>
  readonly total: Use
  readonly announcements: { readonly available: number, readonly perSecond: number }
}

export function toQuotasBody ({ peer, records, prefixes, total, announcements }: QuotaFacts): QuotasBody {
  return { peer, records, prefixes, total, announcements: { available: announcements.available, per_second: announcements.perSecond } }
}

/** A time of the wire: ISO 8601 UTC. */
export function toIso (ms: number): string {
  return new Date(ms).toISOString()
}
