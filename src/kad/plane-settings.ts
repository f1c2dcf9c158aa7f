import type { Announcer } from './announcer.ts'
import type { Engine } from './engine.ts'
import type { ProviderRecords } from './provider/provider-records.ts'
import type { DiversityCount } from './routing/diversity.ts'
import type { RpcServer } from './rpc/server.ts'
import type { ValueStore } from './value/value-store.ts'

/** How this daemon takes part in the network. Milliseconds; names as in the settings table. */
export interface NetworkSettings {
  readonly concurrency: number
  readonly disjointPaths: number
  readonly peersPerIpGroup: number
  readonly peersPerIpGroupInBucket: number
  readonly streams: number
  readonly streamsPerPeer: number
  readonly streamsPerPrefix: number
  readonly readTimeout: number
  readonly idleTimeout: number
  readonly rpcsPerPeerPerSecond: number
  readonly rpcsPerPrefixPerSecond: number
}

export interface ProviderSettings {
  readonly ttl: number
  readonly maxTtl: number
  readonly records: number
  readonly recordsPerPeer: number
  readonly recordsPerPrefix: number
  readonly recordsPerKey: number
  readonly addsPerPeerPerSecond: number
}

export interface ValueSettings {
  readonly ttl: number
  readonly records: number
  readonly recordsPerPeer: number
}

/** What may change while the plane runs. The caller has checked it against the settings table. */
export interface PlaneSettings {
  readonly kad: NetworkSettings
  readonly providers: ProviderSettings
  readonly values: ValueSettings
}

interface Parts {
  readonly engine: Pick<Engine, 'setWidth'>
  readonly server: Pick<RpcServer, 'apply'>
  readonly diversity: DiversityCount
  readonly records: Pick<ProviderRecords, 'apply'>
  readonly values: Pick<ValueStore, 'apply'>
  readonly announcer: Pick<Announcer, 'apply'>
}

/** Puts other values in force, at once. Nothing that is held or open is given up for them; what comes next is judged by them. */
export function applySettings ({ kad, providers, values }: PlaneSettings, parts: Parts): void {
  parts.engine.setWidth(kad)
  parts.server.apply({ ...kad, readTimeoutMs: kad.readTimeout, idleTimeoutMs: kad.idleTimeout })
  parts.diversity.apply({ inTable: kad.peersPerIpGroup, inBucket: kad.peersPerIpGroupInBucket })
  parts.records.apply({ ...providers, ttlMs: providers.ttl })
  parts.announcer.apply({ ttlMs: providers.ttl, maxTtlMs: providers.maxTtl })
  parts.values.apply({ ...values, ttlMs: values.ttl })
}
