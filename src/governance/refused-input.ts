import { claimedSigners, type Envelope } from './envelope.ts'
import type { Ledger } from './ledger.ts'
import { parseStatement, type Statement } from './statement.ts'
import type { Input } from './step.ts'

/** What a refused input says of itself. None of it was verified. */
export function describeRefused (input: Input): { readonly claimedActor?: string, readonly proposalId?: string } {
  if (input.kind === 'canary') return { proposalId: input.proposalId }
  const statement = statementOf(input)
  if (statement === undefined) return {}
  const { body } = statement
  const [claimedActor] = claimedSigners((input as { readonly envelope: Envelope }).envelope)
  return { ...(claimedActor !== undefined && { claimedActor }), ...('proposal_id' in body && { proposalId: body.proposal_id }) }
}

/** Whether it proposes to give up post-quantum signatures that are required. */
export function isPqDowngrade ({ state }: Ledger, input: Input): boolean {
  const statement = statementOf(input)
  if (statement?.kind !== 'proposal' || !state.sections.pq.require_on || statement.body.section !== 'pq') return false
  const { values } = statement.body.change as { readonly values?: { readonly require_on?: unknown } | null }
  return values?.require_on === false
}

function statementOf (input: Input): Statement | undefined {
  if (input.kind !== 'statement') return undefined
  try {
    return parseStatement(input.envelope).statement
  } catch {
    return undefined // the refusal itself says why
  }
}
