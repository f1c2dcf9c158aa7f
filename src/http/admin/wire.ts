import type { Entry } from '../../audit/format/entry.ts'
import type { Envelope } from '../../governance/envelope.ts'
import type { Dispute, Obligation, Stage } from '../../governance/ledger.ts'
import type { Standing } from '../../governance/quorum.ts'
import type { SectionName, Sections } from '../../governance/state.ts'
import type { Proposal } from '../../governance/statement.ts'

/** The JSON that the admin API speaks: what `ronctl --json` prints, and what scripts may rely on. Times are ISO 8601 UTC. */

export interface ReadinessBody {
  readonly ready: boolean
  readonly degraded?: string
  readonly reasons: ReadonlyArray<{ readonly condition: string, readonly reason: string }>
}

/** `GET /v1/status` */
export interface StatusBody {
  readonly version: string
  readonly git_sha: string
  readonly profile: string
  readonly peer_id: string
  readonly protocol: string
  readonly addresses: readonly string[]
  readonly readiness: ReadinessBody
  readonly uptime_seconds: number
  readonly config_digest: string
  readonly routing_table_peers: number
  readonly connections: number
  readonly provider_records: number
  readonly provider_keys: number
  readonly expiry_lag_seconds: number
  readonly values: number
  readonly announced_keys: number
  readonly rss_bytes: number
}

/** `GET /v1/peers`: the routing table, nearest bucket last. */
export interface PeersBody {
  readonly peers: ReadonlyArray<{
    readonly id: string
    readonly addrs: readonly string[]
    /** Leading bits its Kademlia ID shares with ours. */
    readonly bucket: number
    readonly ip_groups: readonly string[]
    readonly added_at: string
    readonly connected: boolean
  }>
}

/** `GET /v1/records/{key}`: every provider record held for the key, and why it is there. */
export interface RecordsBody {
  readonly key: string
  readonly cid: string
  readonly records: ReadonlyArray<{
    readonly provider: string
    readonly addrs: readonly string[]
    readonly received_at: string
    readonly expires_at: string
    /** `rpc`: the provider itself announced it; `operator`: this daemon announces it. */
    readonly source: 'rpc' | 'operator'
    /** The prefix whose quota the record counts against; absent for an exempt one. */
    readonly ip_prefix?: string
  }>
}

export interface QuotaUse { readonly used: number, readonly limit: number }

/** `GET /v1/quotas/{peer}` */
export interface QuotasBody {
  readonly peer: string
  readonly records: QuotaUse
  readonly prefixes: ReadonlyArray<QuotaUse & { readonly prefix: string }>
  readonly total: QuotaUse
  /** Announcements the peer may send now, and how many it gains a second. */
  readonly announcements: { readonly available: number, readonly per_second: number }
}

/** `GET /v1/quotas`: who holds most, largest first; at most ten of each. */
export interface TopHoldersBody {
  readonly peers: ReadonlyArray<QuotaUse & { readonly peer: string }>
  readonly prefixes: ReadonlyArray<QuotaUse & { readonly prefix: string }>
  readonly total: QuotaUse
}

/** `POST /v1/providers` request. Unknown fields are refused. */
export interface ProvideRequest {
  readonly key: string
  readonly ttl_seconds?: number
}

export interface TraceBody {
  readonly messages: number
  readonly answered: number
  readonly failed: number
  readonly hops: number
  readonly path: readonly string[]
}

/** `POST /v1/providers` answer: the record is held here, and `reached` of the closest peers took it. */
export interface ProvideBody {
  readonly key: string
  readonly cid: string
  readonly expires_at: string
  /** False when the key was announced before and its time was extended. */
  readonly created: boolean
  readonly reached: number
  readonly attempted: number
  readonly trace: TraceBody
}

/** `DELETE /v1/providers/{key}` answer. Records at other peers end by their TTL: Kademlia has no removal. */
export interface WithdrawBody {
  readonly key: string
  readonly withdrawn: boolean
  /** Until when other peers may still name this daemon; absent when it announced nothing. */
  readonly others_until?: string
}

export interface PeerBody {
  readonly id: string
  readonly addrs: readonly string[]
  readonly protocols: readonly string[]
}

/** One line of `GET /v1/lookups/{providers|peers|closest}/{key}`, which streams NDJSON. `done` is always the last. */
export type LookupEvent =
  | { readonly event: 'record', readonly record: PeerBody }
  | { readonly event: 'progress', readonly trace: TraceBody }
  | { readonly event: 'done', readonly truncated?: 'deadline' | 'limit' | 'error', readonly cached: boolean, readonly trace: TraceBody }

/** `GET /v1/config`: by path, as text; files that hold secrets show only whether they are set. */
export interface ConfigBody {
  readonly digest: string
  /** In force. */
  readonly settings: Readonly<Record<string, string>>
  /** Governed settings that were given another value than the one that holds, `in_force`: what governance agreed on wins. */
  readonly drift: Readonly<Record<string, { readonly configured: string, readonly in_force: string }>>
}

/** `PUT /v1/ops/degraded` request. Unknown fields are refused. */
export interface DegradedRequest { readonly on: boolean, readonly reason: string }

/** `GET` and `PUT /v1/ops/degraded` answer; the other fields are there while `degraded`. */
export interface DegradedBody {
  readonly degraded: boolean
  readonly reason?: string
  readonly actor?: string
  readonly since?: string
}

/** `GET /v1/config/digest` */
export interface ConfigDigestBody { readonly digest: string }

/** `GET /v1/audit/head` */
export interface AuditHeadBody {
  readonly origin: string
  readonly size: number
  /** Entries that the checkpoint covers. */
  readonly published: number
  /** The first entry that is published; older ones were let go. */
  readonly minimum: number
  /** Of all entries, in hex. */
  readonly root: string
  /** Verifier keys of the log, as `name+id+key`. */
  readonly keys: readonly string[]
  /** Why the log takes no entries; absent while it does. */
  readonly refusal?: string
}

/** `POST /v1/audit/rotate-key` answer: the entry that links the keys, and the verifier keys that sign from there on. */
export interface AuditRotateBody {
  readonly seq: number
  readonly keys: readonly string[]
}

/** `GET /v1/audit/entries?from=&limit=&since=&action=`: a page may be empty and yet have a `next`. */
export interface AuditEntriesBody {
  readonly size: number
  /** The first entry that is published; asking for those before, other than from 0, is NotFound. */
  readonly minimum: number
  readonly entries: readonly Entry[]
  /** From where to ask on; absent when the page reaches the end of the log. */
  readonly next?: number
}

/** Each topic of `GET /v1/events`. */
export type EventTopic = 'audit' | 'readiness'

/** The data of an event of `GET /v1/events?topic=&since=`. */
export type BusEvent =
  | { readonly id: number, readonly at: string, readonly topic: 'audit', readonly entry: Entry }
  | { readonly id: number, readonly at: string, readonly topic: 'readiness', readonly readiness: ReadinessBody }

/** The body of every `POST` of governance: one signed statement. With `dry_run` it is judged and nothing is done. */
export interface StatementRequest { readonly envelope: Envelope, readonly dry_run?: boolean }

/** `GET /v1/governance/status` */
export interface GovernanceStatusBody {
  readonly governed: boolean
  /** Why what is kept is not trusted; absent while it is. */
  readonly fault?: { readonly kind: string, readonly message: string }
  /** The rest is there while `governed` and not at fault from the start. */
  readonly network_id?: string
  readonly time?: string
  readonly epoch?: number
  readonly inputs?: number
  readonly root?: string
  readonly digests?: Readonly<Record<SectionName, string>>
  readonly quorum?: { readonly needed: number, readonly emergency: number, readonly approvers: number, readonly reduced_until?: string }
  readonly pq?: { readonly required: boolean, readonly downgrade_opens_at?: string }
  readonly open?: { readonly proposals: number, readonly disputes: number, readonly obligations_due: number, readonly obligations_overdue: number }
  readonly freezes?: ReadonlyArray<{ readonly scope: string, readonly ends_at: string }>
  readonly overrides?: ReadonlyArray<{ readonly id: string, readonly kind: string, readonly ends_at: string }>
}

/** `GET /v1/governance/state`: what is agreed, and what differs from it on this daemon while a canary runs. */
export interface GovernanceStateBody {
  readonly network_id: string
  readonly epoch: number
  readonly root: string
  readonly sections: Sections
  readonly digests: Readonly<Record<SectionName, string>>
  readonly in_force: Partial<Sections>
}

export interface ProposalBody {
  readonly id: string
  /** A number for people, local to this daemon: wherever an id goes, it goes too. */
  readonly number: number
  readonly stage: Stage
  readonly proposal: Proposal
  readonly approvals: ReadonlyArray<{ readonly actor: string, readonly at: string, readonly ml_dsa_87: boolean }>
  readonly submitted_at: string
  readonly lapses_at: string
  readonly approved_at?: string
  readonly canary_at?: string
  readonly closed_at?: string
  readonly canary_green?: boolean
  readonly disputed: boolean
}

/** `GET /v1/governance/proposals/{id}`: what it needs and has, and what it would change; absent when it no longer fits the state. */
export interface ProposalDetailBody extends ProposalBody {
  readonly standings?: readonly Standing[]
  readonly before?: unknown
  readonly after?: unknown
  readonly after_digest?: string
}

export interface ProposalsBody { readonly proposals: readonly ProposalBody[] }

/** The answer to a statement: its id, and the proposal that it is about, if it is about one. */
export interface StatementBody { readonly id: string, readonly dry_run: boolean, readonly proposal?: ProposalBody }

export interface DisputesBody { readonly disputes: readonly Dispute[] }
export interface ObligationsBody { readonly obligations: ReadonlyArray<Obligation & { readonly overdue: boolean }> }
export interface CharterBody { readonly charter: Sections['charter'], readonly digest: string }

/** `GET /v1/membership/status` */
export interface MembershipStatusBody {
  readonly mode: Sections['members']['mode']
  readonly active: number
  readonly revoked: number
  readonly digest: string
  readonly epoch: number
  /** What is kept is not trusted: the last safe list holds. */
  readonly restricted: boolean
}

/** `GET /v1/membership/members` */
export interface MembersBody { readonly members: Sections['members']['nodes'] }
/** What is known of a capability: never its token. `root_version` is retired by `rotate-root`. */
export interface CapBody {
  readonly id: string
  readonly nonce: string
  readonly memo: string
  readonly role?: string
  readonly permissions: readonly string[]
  readonly minted_by: string
  readonly ancestors: readonly string[]
  readonly caveats_digest: string
  readonly root_version: number
  readonly created_at: string
  readonly expires_at?: string
  readonly last_used_at?: string
}

/** `POST /v1/caps` request. Give `role` or `permissions`. */
export interface CapMintRequest {
  readonly memo: string
  readonly role?: string
  readonly permissions?: readonly string[]
  readonly caveats?: readonly string[]
  readonly expires_at?: string
}

/** `POST /v1/caps` answer, 201: the only time that the token is told, with every caveat it has. */
export interface CapMintBody extends CapBody {
  readonly token: string
  readonly caveats: readonly string[]
}

/** `GET /v1/caps[?after=id]`: the oldest first; `next` is where the next page goes on after. */
export interface CapsBody {
  readonly caps: readonly CapBody[]
  readonly next?: string
}

/** `POST /v1/caps/revoke` request: exactly one of the first four. A family is a capability and all that was minted under it. */
export interface CapRevokeRequest {
  readonly id?: string
  readonly nonce?: string
  readonly family?: string
  readonly before?: string
  readonly reason: string
}

/** Answer of `POST /v1/caps/revoke` and `DELETE /v1/caps/{id}`; at most 1000 ids. */
export interface CapRevokeBody { readonly revoked: number, readonly ids: readonly string[] }

/** `POST /v1/caps/test` request: what the bearer would attempt; `at` is now unless told. */
export interface CapTestRequest {
  readonly token: string
  readonly permission: string
  readonly ip?: string
  readonly at?: string
  readonly proposal?: string
  readonly tenant?: string
  readonly kid?: string
  readonly alg?: string
  readonly aud?: string
  readonly nonce?: string
}

/** `POST /v1/caps/test` answer. Not `valid`: forged, malformed, revoked or of another daemon. */
export interface CapTestBody {
  readonly valid: boolean
  readonly allowed: boolean
  readonly id?: string
  /** Whether the grant has the permission at all. */
  readonly granted?: boolean
  readonly caveats: ReadonlyArray<{ readonly caveat: string, readonly holds: boolean, readonly why?: string }>
}

/** `GET /v1/caps/permissions` */
export interface CapPermissionsBody {
  readonly permissions: readonly string[]
  readonly roles: Readonly<Record<string, readonly string[]>>
}

/** `POST /v1/caps/rotate-root` request. */
export interface CapRotateRequest { readonly phase: 'prepare' | 'retire', readonly reason: string }

/** `POST /v1/caps/rotate-root` answer: the root's newest version, and how many capabilities went with the old ones. */
export interface CapRotateBody { readonly version: number, readonly revoked: number }

/** Every error, on every surface. */
export interface ErrorBody {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly retryable: boolean
    readonly hint?: string
    readonly ts: string
    readonly request_id: string
  }
}
