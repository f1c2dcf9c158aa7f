import { payloadOf, type Envelope } from './envelope.ts'
import { digestOf, sha256 } from './digest.ts'
import type { Proposal, StatementOf } from './statement.ts'
import { stateRoot, type State } from './state.ts'

/** review → approved → canary → promoted; or it ends in one of the other ways. A draft is not here yet. */
export type Stage = 'review' | 'approved' | 'canary' | 'promoted' | 'rolled-back' | 'vetoed' | 'lapsed'

export interface Approval {
  readonly actor: string
  readonly at: number
  /** Also by ML-DSA-87. */
  readonly isPq: boolean
}

export interface Tracked {
  readonly id: string
  /** A number for people; local to one log. */
  readonly alias: number
  readonly proposal: Proposal
  readonly stage: Stage
  readonly submittedAt: number
  /** When it lapses without a quorum. */
  readonly lapsesAt: number
  readonly approvals: readonly Approval[]
  /** Waiting times start here. */
  readonly approvedAt?: number
  readonly canaryAt?: number
  readonly isCanaryGreen?: boolean
  /** The section before promotion: the last known good, and the digest of what replaced it. */
  readonly before?: unknown
  readonly afterDigest?: string
  readonly closedAt?: number
}

export interface Dispute {
  readonly id: string
  readonly dispute: StatementOf<'dispute'>
  readonly at: number
  readonly status: 'open' | 'escalated' | 'resolved'
}

/** What an emergency leaves to do. */
export interface Obligation {
  readonly id: string
  readonly kind: 'public-event' | 'post-mortem'
  readonly proposalId: string
  readonly dueAt: number
  readonly fulfilledAt?: number
}

/** The whole of governance at one moment: the state, and what is under way. A value; `step` gives the next one. */
export interface Ledger {
  readonly state: State
  /** Trusted time of the last input: no later input is older. */
  readonly time: number
  readonly nextAlias: number
  /** Bounded: 64 open, 1024 in all, and of one author 16 and 512; a new proposal is refused beyond. */
  readonly proposals: ReadonlyMap<string, Tracked>
  /** Bounded: 256, and 64 unresolved ones of one actor; resolved ones go first. */
  readonly disputes: ReadonlyMap<string, Dispute>
  /** Bounded: two for each emergency; fulfilled ones go after 90 days, and 256 unfulfilled ones block further emergencies. */
  readonly obligations: ReadonlyMap<string, Obligation>
}

/** Whether its course may still go on. */
export function isOpen ({ stage }: Pick<Tracked, 'stage'>): boolean {
  return stage === 'review' || stage === 'approved' || stage === 'canary'
}

/** The id of what an envelope carries. */
export function statementId (envelope: Envelope): string {
  return sha256(payloadOf(envelope))
}

/** Digest of everything in the ledger: what a replay must reach again. */
export function ledgerDigest (ledger: Ledger): string {
  const { state, proposals, disputes, obligations, ...rest } = ledger
  return digestOf('snapshot', { ...rest, root: stateRoot(state), proposals: [...proposals.values()], disputes: [...disputes.values()], obligations: [...obligations.values()] })
}
