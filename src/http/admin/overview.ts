import type { FastifyInstance } from 'fastify'
import type { StatusSnapshot, StatusSource } from '../ops/status/snapshot.ts'
import { toIso } from './present.ts'
import type { OverviewBody } from './wire-overview.ts'

/** What `ronctl top` shows: the same look at the daemon as the status page has. */
export interface OverviewPort { readonly overview: StatusSource }

export function addOverviewRoute (app: FastifyInstance, { overview }: OverviewPort): void {
  app.get('/v1/overview', async (): Promise<OverviewBody> => toOverviewBody(await overview.snapshot()))
}

function toOverviewBody (snapshot: StatusSnapshot): OverviewBody {
  const { lookups: { count, p50, p95, hopsP50, hopsP99 }, discv5, audit, agenda } = snapshot
  return {
    at: toIso(snapshot.at),
    version: snapshot.version,
    profile: snapshot.profile,
    protocol: snapshot.protocol,
    peer_id: snapshot.peerId,
    config_digest: snapshot.configDigest,
    uptime_seconds: Math.floor(snapshot.uptimeMs / 1000),
    readiness: snapshot.readiness,
    connections: snapshot.connections,
    provider_records: snapshot.records,
    provider_keys: snapshot.keys,
    values: snapshot.values,
    rss_bytes: snapshot.rssBytes,
    event_loop_lag_seconds: snapshot.lagSeconds,
    buckets: snapshot.buckets,
    bucket_size: snapshot.bucketSize,
    rejected: snapshot.rejected,
    lookups: {
      count,
      ...p50 !== undefined && { p50_seconds: p50 },
      ...p95 !== undefined && { p95_seconds: p95 },
      ...hopsP50 !== undefined && { hops_p50: hopsP50 },
      ...hopsP99 !== undefined && { hops_p99: hopsP99 },
    },
    ...discv5 !== undefined && { discv5: { nodes: discv5.nodes, live_nodes: discv5.liveNodes, sessions: discv5.sessions } },
    audit: {
      entries: audit.size,
      published: audit.published,
      root: audit.root,
      ...audit.signedAt > 0 && { signed_at: toIso(audit.signedAt) },
      ...audit.refusal !== undefined && { refusal: audit.refusal },
    },
    ...agenda !== undefined && { governance: toGovernance(agenda) },
  }
}

function toGovernance ({ epoch, fault, rows, others }: NonNullable<StatusSnapshot['agenda']>): NonNullable<OverviewBody['governance']> {
  return {
    epoch,
    ...fault !== undefined && { fault },
    agenda: rows.map(({ label, kind, note, from, to }) => ({ label, kind, note, ...from !== undefined && { from: toIso(from) }, ...to !== undefined && { to: toIso(to) } })),
    others,
  }
}
