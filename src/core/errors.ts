/** Why a request was refused. The list is closed: every surface maps each code exactly once. */
export type ErrorCode =
  | 'BadRequest'
  | 'NoCapability'
  | 'NotFound'
  | 'Conflict'
  | 'TooLarge'
  | 'Backpressure'
  | 'Unsupported'
  | 'StoreUnavailable'
  | 'AttestationMissing'
  | 'PqRequired'
  | 'QuorumNotMet'
  | 'NotReady'
  | 'Timeout'
  | 'DegradedAudit'
  | 'ExportForbidden'
  | 'Internal'

export interface DhtErrorOptions extends ErrorOptions {
  /** What the caller can do next; shown to the client. */
  readonly hint?: string
  /** Milliseconds after which trying again makes sense; becomes `Retry-After`. */
  readonly retryAfterMs?: number
  /** The refusal's label in `rejected_total{reason}`; from a closed set, never from the input. */
  readonly reason?: RejectReason
}

/**
 * Why input was refused before it did any work: the label of `rejected_total{reason}`.
 *
 * `key` empty or over 80 bytes · `frame` over 4 MiB · `decode` not the message it claims to be · `type` unknown message
 * type · `provider` no entry by the sender itself · `addresses` none usable · `record` a value its validator refuses ·
 * `stale` older than the value held · `slow` no complete message in time · `streams` and `rate` budgets of a peer or
 * prefix · `member` not in the member list that is enforced · `overload` more work than can be done in time · `store` the disk does not take records now · `quota_*` the layered provider
 * quotas · `quota_grants` as many capabilities, or changes of them, as there may be · `http_*` the HTTP surface, by what was wrong · `unauth` no token, a malformed one, or one that does not allow it ·
 * `policy_*` the policy in force, by the rule that refused; `policy_down` while it cannot be judged · `degraded` a write in
 * degraded mode · `frozen` a write while the governed state freezes them · `audit` a write that the audit log cannot record · `decompress` a body that grows beyond its limits · `gov_*` a governance statement: form, size, signatures, signers, quorum, replays,
 * base digest, network, expiry, clock, a section's rule, the proposal's stage, a waiting time, post-quantum signatures, bounds, unknown
 * ids, and a state that is not trusted.
 */
export const REJECT_REASONS = [
  'key', 'frame', 'decode', 'type', 'provider', 'addresses', 'record', 'stale', 'slow', 'streams', 'rate', 'member', 'overload', 'store',
  'quota_peer', 'quota_prefix', 'quota_key', 'quota_total', 'quota_values', 'quota_grants',
  'http_path', 'http_method', 'http_accept', 'http_key', 'http_filter', 'http_body', 'http_header', 'http_type', 'http_rate',
  'http_inflight', 'http_lookup',
  'unauth', 'policy_peer', 'policy_ip', 'policy_asn', 'policy_country', 'policy_origin', 'policy_unlisted', 'policy_down', 'degraded', 'frozen', 'audit', 'decompress',
  'gov_schema', 'gov_size', 'gov_signature', 'gov_signer', 'gov_duplicate', 'gov_quorum', 'gov_replay', 'gov_base', 'gov_network',
  'gov_expired', 'gov_clock', 'gov_rule', 'gov_stage', 'gov_window', 'gov_pq', 'gov_limit', 'gov_unknown', 'gov_restricted',
] as const

export type RejectReason = typeof REJECT_REASONS[number]

/** An expected failure. `message` and `hint` reach the client; `cause` only ever reaches the log. */
export class DhtError extends Error {
  override readonly name = 'DhtError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly retryAfterMs: number | undefined
  readonly reason: RejectReason | undefined

  constructor (code: ErrorCode, message: string, options: DhtErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.hint = options.hint
    this.retryAfterMs = options.retryAfterMs
    this.reason = options.reason
  }
}

/** True for failures worth repeating unchanged: the state, not the request, was in the way. */
export function isRetryable (code: ErrorCode): boolean {
  return RETRYABLE.has(code)
}

const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['Backpressure', 'StoreUnavailable', 'NotReady', 'Timeout', 'DegradedAudit'])
