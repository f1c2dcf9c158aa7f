import type { Ledger, Obligation } from './ledger.ts'
import { refused } from './refusal.ts'
import { DAY_MS } from './sections/rules.ts'

const DUE_MS = { 'public-event': DAY_MS, 'post-mortem': 3 * DAY_MS } as const
const KEEP_FULFILLED_MS = 90 * DAY_MS
const MAX_OBLIGATIONS = 256

/** What an emergency leaves to do: a public audit event within 24 h, a post-mortem within 72 h. */
export function oblige (ledger: Ledger, proposalId: string): Ledger {
  const kept = [...ledger.obligations].filter(([, { fulfilledAt }]) => fulfilledAt === undefined || ledger.time - fulfilledAt < KEEP_FULFILLED_MS)
  if (kept.length + 2 > MAX_OBLIGATIONS) throw refused('gov_limit', 'too many obligations of earlier emergencies are not fulfilled')
  const added = (['public-event', 'post-mortem'] as const).map((kind): Obligation =>
    ({ id: `${proposalId}:${kind}`, kind, proposalId, dueAt: ledger.time + DUE_MS[kind] }))
  return { ...ledger, obligations: new Map([...kept, ...added.map(one => [one.id, one] as const)]) }
}

/** Those that nobody has fulfilled in time. */
export function overdue ({ obligations }: Ledger, at: number): readonly Obligation[] {
  return [...obligations.values()].filter(({ dueAt, fulfilledAt }) => fulfilledAt === undefined && at > dueAt)
}
