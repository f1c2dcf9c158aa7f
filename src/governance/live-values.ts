import type { PolicyRules } from '../policy/policy.ts'
import { MAX_TTL_MS } from './sections/providers.ts'
import type { Sections } from './state.ts'

/** The sections as the settings table names them, in milliseconds; and the TTL of providers, which an override may take beyond the table's limit. */
export function liveSettings ({ network, providers, bootstrap, overrides }: Pick<Sections, 'network' | 'providers' | 'bootstrap' | 'overrides'>) {
  const ttl = Math.max(providers.ttl_ms, ...overrides.active.flatMap(({ ttl_ms: ttlMs }) => ttlMs ?? []))
  return {
    changes: {
      kad: {
        concurrency: network.concurrency,
        disjointPaths: network.disjoint_paths,
        rpcsPerPeerPerSecond: network.rpcs_per_peer_per_second,
        rpcsPerPrefixPerSecond: network.rpcs_per_prefix_per_second,
        ...(bootstrap.seeds.length > 0 && { bootstrap: bootstrap.seeds.map(({ endpoint, fingerprint }) => `${endpoint}/p2p/${fingerprint}`) }),
      },
      lookup: { deadline: network.lookup_deadline_ms },
      providers: {
        ttl: providers.ttl_ms,
        maxTtl: MAX_TTL_MS,
        records: providers.records,
        recordsPerPeer: providers.records_per_peer,
        recordsPerPrefix: providers.records_per_prefix,
        recordsPerKey: providers.records_per_key,
      },
    },
    providerTtl: { ttl, maxTtl: Math.max(ttl, MAX_TTL_MS) },
  }
}

/** The policy with the exceptions in force: a peer that is let in is denied by no list, and one that is kept out is allowed by none. */
export function livePolicy ({ policy, overrides }: Pick<Sections, 'policy' | 'overrides'>): PolicyRules {
  const peersOf = (kind: 'allow-peer' | 'deny-peer'): readonly string[] => overrides.active.flatMap(({ kind: own, peer_id: peerId }) => own === kind && peerId !== undefined ? [peerId] : [])
  const denied = new Set(peersOf('deny-peer'))
  const allowed = new Set(peersOf('allow-peer').filter(peer => !denied.has(peer)))
  return {
    ...policy,
    allow: { ...policy.allow, peers: [...new Set([...policy.allow.peers.filter(peer => !denied.has(peer)), ...allowed])] },
    deny: { ...policy.deny, peers: [...new Set([...policy.deny.peers.filter(peer => !allowed.has(peer)), ...denied])] },
  }
}
