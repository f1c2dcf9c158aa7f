import type { ReadinessReport } from '../../../core/readiness.ts'
import type { Agenda } from './agenda.ts'

/** What the status page shows of one moment. */
export interface StatusSnapshot {
  /** Milliseconds since 1970-01-01 UTC. */
  readonly at: number
  readonly version: string
  readonly profile: string
  readonly protocol: string
  readonly peerId: string
  readonly configDigest: string
  readonly uptimeMs: number
  readonly readiness: ReadinessReport
  readonly connections: number
  readonly records: number
  readonly keys: number
  readonly values: number
  readonly rssBytes: number
  readonly lagSeconds: number
  /** Where we and the peers of our table stand in the keyspace: 0 to 1, the Kademlia ID as a fraction. */
  readonly position: number
  readonly peers: readonly number[]
  /** Peers in each bucket that has any; the index is the number of leading bits shared with us. */
  readonly buckets: ReadonlyArray<{ readonly bucket: number, readonly peers: number }>
  readonly bucketSize: number
  /** Undefined while the plane is off. */
  readonly discv5: Discv5Figures | undefined
  /** Since the start. */
  readonly rejected: ReadonlyArray<{ readonly reason: string, readonly count: number }>
  readonly lookups: LookupFigures
  readonly audit: AuditFigures
  /** Undefined for a daemon that nobody governs. */
  readonly agenda: Agenda | undefined
}

export interface Discv5Figures {
  readonly nodes: number
  /** Those that answered, and may be told to others. */
  readonly liveNodes: number
  readonly sessions: number
  /** Nodes at each log distance that has any, the farthest first. */
  readonly distances: ReadonlyArray<{ readonly distance: number, readonly nodes: number }>
}

export interface AuditFigures {
  readonly size: number
  /** Entries under the last checkpoint. */
  readonly published: number
  /** Hex. */
  readonly root: string
  /** When the last checkpoint was signed, in milliseconds; 0 before the first. */
  readonly signedAt: number
  /** Why the log takes no entries; undefined while it does. */
  readonly refusal: string | undefined
}

export interface LookupFigures {
  readonly count: number
  /** Seconds; undefined before the first lookup that walked. */
  readonly p50: number | undefined
  readonly p95: number | undefined
  /** Whole hops: so many at most. */
  readonly hopsP50: number | undefined
  readonly hopsP99: number | undefined
  readonly seconds: readonly Share[]
  readonly hops: readonly Share[]
}

/** Observations above the bound before, and not above this one. The last bound is infinite. */
export interface Share { readonly upTo: number, readonly count: number }

/** A point of the plots over time. */
export interface Sample {
  readonly at: number
  readonly records: number
  /** In the routing table. */
  readonly peers: number
  readonly lagSeconds: number
  readonly rssBytes: number
  /** Lookups that walked, since the start. */
  readonly lookups: number
  /** Requests refused since the start. */
  readonly rejected: number
}

export interface StatusSource {
  snapshot (): Promise<StatusSnapshot>
}
