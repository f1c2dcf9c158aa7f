import type { Actor, Role } from './actor.ts'
import { candidateCharter } from './quorum.ts'
import { approversOf } from './sections/charter.ts'
import type { Proposal, StatementKind } from './statement.ts'
import type { State } from './state.ts'

const EXECUTORS: readonly Role[] = ['owner', 'ops', 'security']

/** A kind of statement; with what it proposes or is about, where that decides who may make it. */
export type Saying =
  | { readonly kind: 'proposal' | 'approval' | 'execution', readonly proposal: Proposal }
  | { readonly kind: Exclude<StatementKind, 'proposal' | 'approval' | 'execution'> }

/**
 * Who may make a statement; of those only the active ones.
 * @throws {DhtError} gov_base, gov_rule for an approval of a charter that does not fit the state
 */
export function entitled (state: State, saying: Saying, at: number): readonly Actor[] {
  const { actors, recovery } = state.sections.charter
  const withRole = (roles: readonly Role[]): readonly Actor[] => actors.filter(({ role }) => roles.includes(role))
  switch (saying.kind) {
    case 'proposal':
    case 'execution': return saying.proposal.authority === 'recovery' ? recovery.keys : withRole(EXECUTORS)
    case 'approval': return approversFor(state, saying.proposal, at)
    case 'promotion':
    case 'rollback':
    case 'fulfilment': return withRole(EXECUTORS)
    case 'veto': return withRole(['security'])
    case 'resolution': return withRole(['owner', 'security'])
    case 'dispute': return actors
  }
}

/** Today's approvers, those of the charter that is proposed, or the recovery keys. */
function approversFor (state: State, proposal: Proposal, at: number): readonly Actor[] {
  const { charter } = state.sections
  const now = proposal.authority === 'recovery' ? charter.recovery.keys : approversOf(charter)
  return proposal.section === 'charter' ? [...now, ...approversOf(candidateCharter(state, proposal, at))] : now
}
