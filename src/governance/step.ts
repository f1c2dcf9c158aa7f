import type { Envelope } from './envelope.ts'
import { fileDispute, fulfil, resolveDispute } from './appeals.ts'
import { statementId, type Ledger } from './ledger.ts'
import { approve, concludeCanary, endOvertaken, execute, promote, propose, rollBack, veto } from './lifecycle.ts'
import { refused } from './refusal.ts'
import { parseStatement } from './statement.ts'
import { fire, type Timer } from './timers.ts'

/** How far a signer's clock may be ahead of ours. */
const MAX_SKEW_MS = 5 * 60_000

/** What moves governance: a signed statement, a time that has come, or what the canary showed. The log keeps exactly these. */
export type Input =
  | { readonly kind: 'statement', readonly envelope: Envelope }
  | { readonly kind: 'timer', readonly timer: Timer }
  | { readonly kind: 'canary', readonly proposalId: string, readonly verdict: 'green' | 'red' }

/**
 * The ledger after one input at trusted time `at`. Pure, and all rules are behind it: a live input and a replayed one take this same way.
 * @throws {DhtError} with a `gov_` reason; the ledger is a value, so a refusal changes nothing
 */
export function step (ledger: Ledger, input: Input, at: number): Ledger {
  if (at < ledger.time) throw refused('gov_clock', 'the time is before that of the last action')
  const next = take({ ...ledger, time: at }, input)
  return next.state === ledger.state ? next : endOvertaken(next)
}

function take (now: Ledger, input: Input): Ledger {
  switch (input.kind) {
    case 'statement': return hear(now, input.envelope)
    case 'timer': return fire(now, input.timer)
    case 'canary': return concludeCanary(now, input.proposalId, input.verdict)
  }
}

function hear (ledger: Ledger, value: unknown): Ledger {
  const { envelope, statement } = parseStatement(value)
  const { network_id: networkId, created_at: createdAt } = statement.body
  if (networkId !== ledger.state.network_id) throw refused('gov_network', 'the statement is for another network')
  if (createdAt > ledger.time + MAX_SKEW_MS) throw refused('gov_clock', 'the statement is from the future')
  const id = statementId(envelope)
  switch (statement.kind) {
    case 'proposal': return propose(ledger, envelope, statement.body, id)
    case 'approval': return approve(ledger, envelope, statement.body)
    case 'veto': return veto(ledger, envelope, statement.body)
    case 'execution': return execute(ledger, envelope, statement.body)
    case 'promotion': return promote(ledger, envelope, statement.body)
    case 'rollback': return rollBack(ledger, envelope, statement.body)
    case 'dispute': return fileDispute(ledger, envelope, statement.body, id)
    case 'resolution': return resolveDispute(ledger, envelope, statement.body)
    case 'fulfilment': return fulfil(ledger, envelope, statement.body)
  }
}
