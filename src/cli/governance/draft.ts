import type { Envelope } from '../../governance/envelope.ts'
import { statementId } from '../../governance/ledger.ts'
import { unsignedStatement } from '../../governance/signing.ts'
import { statementOf, type Proposal, type StatementKind, type StatementOf } from '../../governance/statement.ts'
import { apply, sectionDigest, type State } from '../../governance/state.ts'
import { Failure } from '../failure.ts'
import type { SectionChange } from './change.ts'

export type Authority = Proposal['authority']

export interface ProposalOptions {
  readonly reason: string
  readonly risk?: string
  readonly rollbackPlan?: string
  readonly rollbackWithin?: number
  readonly expires?: number
  readonly watch?: readonly string[]
  readonly authority?: Authority
  readonly escalates?: string
}

const HOUR_MS = 3_600_000

/** Who drafts, and when. */
export interface Author { readonly id: string, readonly now: number }

/** A statement that is complete but for its signature, read as the daemon will read it. @throws {DhtError} gov_schema */
export function draftStatement<K extends StatementKind> (kind: K, body: Omit<StatementOf<K>, 'schema' | 'network_id' | 'actor' | 'created_at'>, state: State, { id, now }: Author): Envelope {
  const envelope = unsignedStatement(kind, { schema: `svc-dht/governance/${kind}/1`, network_id: state.network_id, actor: id, created_at: now, ...body })
  statementOf(envelope)
  return envelope
}

/** A proposal on the present state. @throws {DhtError} gov_schema, gov_rule for a change that the section refuses */
export function draftProposal ({ section, change }: SectionChange, options: ProposalOptions, state: State, author: Author): Envelope {
  const base = sectionDigest(state, section)
  apply(state, { section, baseDigest: base, change, at: author.now })
  const { reason, risk = 'None stated.', rollbackPlan = 'Back to the last known good section.', rollbackWithin = HOUR_MS, expires = 72 * HOUR_MS, watch = ['lookup_p95', 'reject_ratio', 'readiness'], authority = 'quorum', escalates } = options
  return draftStatement('proposal', {
    service: 'svc-dht',
    section,
    base_digest: base,
    change,
    authority,
    reason,
    risk,
    rollback: { plan: rollbackPlan, within_ms: rollbackWithin },
    watch: watch as Proposal['watch'],
    expires_at: author.now + expires,
    ...(escalates !== undefined && { escalates }),
  }, state, author)
}

/** The proposal of which this is the id, and nothing that a daemon made up beside it. */
export function proposalEnvelope (proposal: Proposal, id: string): Envelope {
  const envelope = unsignedStatement('proposal', proposal)
  if (statementId(envelope) !== id) throw new Failure('The daemon shows another proposal than the one it names.', { exit: 'internal', code: 'Internal', hint: 'Sign nothing that it shows, and look at its log.' })
  return envelope
}

/** Where a statement of its kind is handed in, below `/v1/governance/`. */
export function pathOf (envelope: Envelope): string {
  const { kind, body } = statementOf(envelope)
  if (kind === 'proposal') return body.section === 'freezes' && body.change['op'] === 'freeze' ? 'freeze' : 'proposals'
  if ('proposal_id' in body) return `proposals/${body.proposal_id}/${ABOUT[kind as keyof typeof ABOUT]}`
  return kind === 'dispute' ? 'disputes' : kind === 'resolution' ? 'disputes/resolutions' : 'obligations'
}

const ABOUT = { approval: 'approvals', veto: 'veto', execution: 'execute', promotion: 'promote', rollback: 'rollback' } as const
