import type { ReadinessBody } from './wire.ts'

/** `GET /v1/overview`: what the status page shows, for a terminal. */
export interface OverviewBody {
  /** RFC 3339, UTC. */
  readonly at: string
  readonly version: string
  readonly profile: string
  readonly protocol: string
  readonly peer_id: string
  readonly config_digest: string
  readonly uptime_seconds: number
  readonly readiness: ReadinessBody
  readonly connections: number
  readonly provider_records: number
  readonly provider_keys: number
  readonly values: number
  readonly rss_bytes: number
  readonly event_loop_lag_seconds: number
  /** Peers in each bucket that has any; the number is that of the leading bits shared with us. */
  readonly buckets: ReadonlyArray<{ readonly bucket: number, readonly peers: number }>
  readonly bucket_size: number
  /** Since the start. */
  readonly rejected: ReadonlyArray<{ readonly reason: string, readonly count: number }>
  readonly lookups: {
    readonly count: number
    /** Absent before the first lookup that walked. */
    readonly p50_seconds?: number
    readonly p95_seconds?: number
    readonly hops_p50?: number
    readonly hops_p99?: number
  }
  /** Absent while the plane is off. */
  readonly discv5?: { readonly nodes: number, readonly live_nodes: number, readonly sessions: number }
  readonly audit: { readonly entries: number, readonly published: number, readonly root: string, readonly signed_at?: string, readonly refusal?: string }
  /** Absent when nobody governs. */
  readonly governance?: {
    readonly epoch: number
    readonly fault?: string
    readonly agenda: ReadonlyArray<{ readonly label: string, readonly kind: string, readonly note: string, readonly from?: string, readonly to?: string }>
    /** Rows that were left out. */
    readonly others: number
  }
}
