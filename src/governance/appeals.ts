import { entitled } from './entitled.ts'
import type { Envelope } from './envelope.ts'
import type { Dispute, Ledger } from './ledger.ts'
import { refused } from './refusal.ts'
import { authenticate } from './signer.ts'
import type { StatementOf } from './statement.ts'

const MAX_DISPUTES = 256
/** Unresolved ones of one actor, so that nobody alone keeps the others from disputing. */
const MAX_EACH = 64

/** Any active actor may dispute a proposal or an audit entry. */
export function fileDispute (ledger: Ledger, envelope: Envelope, dispute: StatementOf<'dispute'>, id: string): Ledger {
  authenticate(ledger.state, envelope, dispute.actor, entitled(ledger.state, { kind: 'dispute' }, ledger.time))
  if (ledger.disputes.has(id)) throw refused('gov_replay', 'the dispute is known already')
  const [kind, subject = ''] = dispute.subject.split(':', 2)
  if (kind === 'proposal' && !ledger.proposals.has(subject)) throw refused('gov_unknown', 'no such proposal')
  const disputes = new Map(ledger.disputes)
  const own = [...disputes.values()].filter(({ status, dispute: { actor } }) => status !== 'resolved' && actor === dispute.actor)
  if (own.length >= MAX_EACH) throw refused('gov_limit', 'the actor has too many open disputes')
  const oldestResolved = [...disputes.values()].find(({ status }) => status === 'resolved')
  if (disputes.size >= MAX_DISPUTES) {
    if (oldestResolved === undefined) throw refused('gov_limit', 'too many disputes are open')
    disputes.delete(oldestResolved.id)
  }
  return { ...ledger, disputes: disputes.set(id, { id, dispute, at: ledger.time, status: 'open' }) }
}

/** Security or the owner closes a dispute; nobody closes their own. */
export function resolveDispute (ledger: Ledger, envelope: Envelope, { dispute_id: id, actor }: StatementOf<'resolution'>): Ledger {
  authenticate(ledger.state, envelope, actor, entitled(ledger.state, { kind: 'resolution' }, ledger.time))
  const found = ledger.disputes.get(id)
  if (found === undefined) throw refused('gov_unknown', 'no such dispute')
  if (found.status === 'resolved') throw refused('gov_stage', 'the dispute is resolved already')
  if (found.dispute.actor === actor) throw refused('gov_signer', 'nobody resolves their own dispute')
  return withDispute(ledger, { ...found, status: 'resolved' })
}

export function fulfil (ledger: Ledger, envelope: Envelope, { obligation_id: id, actor }: StatementOf<'fulfilment'>): Ledger {
  authenticate(ledger.state, envelope, actor, entitled(ledger.state, { kind: 'fulfilment' }, ledger.time))
  const found = ledger.obligations.get(id)
  if (found === undefined) throw refused('gov_unknown', 'no such obligation')
  if (found.fulfilledAt !== undefined) throw refused('gov_replay', 'the obligation is fulfilled already')
  return { ...ledger, obligations: new Map(ledger.obligations).set(id, { ...found, fulfilledAt: ledger.time }) }
}

export function withDispute (ledger: Ledger, dispute: Dispute): Ledger {
  return { ...ledger, disputes: new Map(ledger.disputes).set(dispute.id, dispute) }
}
