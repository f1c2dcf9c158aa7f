import { DhtError, type DhtErrorOptions, type ErrorCode, type RejectReason } from '../core/errors.ts'

/** Why governance refused an input: one list, told to the caller, counted, and asserted by the tests. */
export type GovernanceReason = Extract<RejectReason, `gov_${string}`>

const CODES = {
  gov_schema: 'BadRequest',
  gov_size: 'TooLarge',
  gov_signature: 'NoCapability',
  gov_signer: 'NoCapability',
  gov_duplicate: 'Conflict',
  gov_quorum: 'QuorumNotMet',
  gov_replay: 'Conflict',
  gov_base: 'Conflict',
  gov_network: 'BadRequest',
  gov_expired: 'Conflict',
  gov_clock: 'NotReady',
  gov_rule: 'BadRequest',
  gov_stage: 'Conflict',
  gov_window: 'Conflict',
  gov_pq: 'PqRequired',
  gov_limit: 'Backpressure',
  gov_unknown: 'NotFound',
  gov_restricted: 'DegradedAudit',
} as const satisfies Record<GovernanceReason, ErrorCode>

/** The error to throw when an input is refused. Nothing of the state has changed when it is thrown. */
export function refused (reason: GovernanceReason, message: string, options: Omit<DhtErrorOptions, 'reason'> = {}): DhtError {
  return new DhtError(CODES[reason], message, { ...options, reason })
}
