import type { Governance } from '../../../governance/engine.ts'
import { isOpen, type Ledger, type Tracked } from '../../../governance/ledger.ts'
import { standings } from '../../../governance/quorum.ts'
import { DOWNGRADE_DELAY_MS } from '../../../governance/sections/pq.ts'
import { formatDuration } from './text.ts'

/** Something of governance that has a beginning, an end, or both. */
export interface AgendaRow {
  readonly label: string
  /** Milliseconds since 1970-01-01 UTC; undefined where the beginning is not kept. */
  readonly from: number | undefined
  readonly to: number | undefined
  readonly kind: 'under way' | 'done' | 'ended' | 'late'
  /** How it stands, with the time that is left. */
  readonly note: string
}

/** Governance as the status page shows it. */
export interface Agenda {
  readonly at: number
  readonly epoch: number
  /** Why what is kept is not trusted; undefined while it is. */
  readonly fault: string | undefined
  readonly rows: readonly AgendaRow[]
  /** Rows that were left out. */
  readonly others: number
}

const MAX_ROWS = 12
const DONE_SHOWN_MS = 7 * 24 * 60 * 60 * 1000

/** What is under way, what ends by itself and when, and what was decided within a week; the most pressing first. Undefined when nobody governs. */
export function agendaOf ({ ledger, fault, at }: Pick<Governance, 'ledger' | 'fault' | 'at'>): Agenda | undefined {
  if (ledger === undefined) return fault === undefined ? undefined : { at, epoch: 0, fault: fault.message, rows: [], others: 0 }
  const { freezes, overrides } = ledger.state.sections
  const proposals = [...ledger.proposals.values()].toSorted((a, b) => b.submittedAt - a.submittedAt)
  const rows: AgendaRow[] = [
    ...freezes.active.filter(({ ends_at: to }) => to > at).map(({ scope, ends_at: to }) => endsByItself(`freeze of ${scope}`, to, at)),
    ...overrides.active.filter(({ ends_at: to }) => to > at).map(({ kind, ends_at: to }) => endsByItself(`override ${kind}`, to, at)),
    ...[...ledger.obligations.values()].filter(({ fulfilledAt }) => fulfilledAt === undefined).map(({ kind, dueAt }) => due(kind, dueAt, at)),
    ...proposals.filter(isOpen).map(tracked => underWay(ledger, tracked, at)),
    ...proposals.filter(tracked => !isOpen(tracked) && at - (tracked.closedAt ?? 0) < DONE_SHOWN_MS).map(tracked => over(tracked, at)),
  ]
  return { at, epoch: ledger.state.epoch, fault: fault?.message, rows: rows.slice(0, MAX_ROWS), others: Math.max(0, rows.length - MAX_ROWS) }
}

function endsByItself (label: string, to: number, at: number): AgendaRow {
  return { label, from: undefined, to, kind: 'under way', note: `ends by itself in ${formatDuration(to - at)}` }
}

function due (label: string, to: number, at: number): AgendaRow {
  return at > to
    ? { label, from: undefined, to, kind: 'late', note: `overdue for ${formatDuration(at - to)}` }
    : { label, from: undefined, to, kind: 'under way', note: `due in ${formatDuration(to - at)}` }
}

function underWay (ledger: Ledger, tracked: Tracked, at: number): AgendaRow {
  const { stage, submittedAt: from, lapsesAt, approvedAt = at, canaryAt = at, isCanaryGreen, proposal: { section, expires_at: expiresAt } } = tracked
  const { charter, pq } = ledger.state.sections
  const row = { label: labelOf(tracked), from, kind: 'under way' } as const
  const until = (to: number): string => formatDuration(Math.max(0, to - at))
  if (stage === 'review') return { ...row, to: lapsesAt, note: `in review, ${signatures(ledger, tracked, at)}, lapses in ${until(lapsesAt)}` }
  const opensAt = stage === 'canary' ? canaryAt + charter.windows.canary_ms : section === 'pq' && pq.require_on ? approvedAt + DOWNGRADE_DELAY_MS : at
  if (stage === 'approved') return opensAt > at ? { ...row, to: opensAt, note: `approved, not before ${until(opensAt)}` } : { ...row, to: expiresAt, note: `approved, waits for its execution, lapses in ${until(expiresAt)}` }
  if (isCanaryGreen !== true && opensAt > at) return { ...row, to: opensAt, note: `canary is watched for ${until(opensAt)} more` }
  return { ...row, to: expiresAt, note: `${isCanaryGreen === true ? 'canary is well, may be promoted' : 'canary is not well yet'}, lapses in ${until(expiresAt)}` }
}

function over (tracked: Tracked, at: number): AgendaRow {
  const { stage, submittedAt: from, closedAt = at } = tracked
  return { label: labelOf(tracked), from, to: closedAt, kind: stage === 'promoted' ? 'done' : 'ended', note: `${stage === 'rolled-back' ? 'rolled back' : stage} ${formatDuration(at - closedAt)} ago` }
}

function labelOf ({ alias, proposal }: Tracked): string {
  return `#${alias} ${proposal.section}`
}

function signatures (ledger: Ledger, tracked: Tracked, at: number): string {
  try {
    return standings(ledger.state, tracked, at).map(({ of, needed, signed }) => `${signed.length} of ${needed} ${of}`).join(', ')
  } catch {
    return 'it no longer fits the state' // which its execution would say
  }
}
