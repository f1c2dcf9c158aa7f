import type { Metrics } from '../observability/metrics.ts'
import { isOpen, type Ledger } from './ledger.ts'
import { overdue } from './obligations.ts'
import { quorumOf } from './sections/charter.ts'
import { stateRoot } from './state.ts'

const STAGES = ['review', 'approved', 'canary'] as const

/** Shows a ledger in the metrics, as it is at this time. */
export function showLedger (metrics: Metrics['governance'], ledger: Ledger, at: number): void {
  const { state, proposals, obligations, disputes } = ledger
  const { pq, freezes, overrides, charter } = state.sections
  const open = [...proposals.values()].filter(isOpen)
  const late = overdue(ledger, at).length
  metrics.pqEnforced.set(Number(pq.require_on))
  metrics.epoch.set(state.epoch)
  for (const stage of STAGES) metrics.proposals.set({ stage }, open.filter(tracked => tracked.stage === stage).length)
  const canaries = open.filter(({ stage }) => stage === 'canary')
  const green = canaries.filter(({ isCanaryGreen }) => isCanaryGreen === true).length
  metrics.canaries.set({ state: 'green' }, green)
  metrics.canaries.set({ state: 'watched' }, canaries.length - green)
  metrics.obligations.set({ state: 'overdue' }, late)
  metrics.obligations.set({ state: 'due' }, [...obligations.values()].filter(({ fulfilledAt }) => fulfilledAt === undefined).length - late)
  metrics.freezes.set(freezes.active.filter(({ ends_at: endsAt }) => at < endsAt).length)
  metrics.overrides.set(overrides.active.filter(({ ends_at: endsAt }) => at < endsAt).length)
  metrics.disputes.set([...disputes.values()].filter(({ status }) => status !== 'resolved').length)
  metrics.quorumReduced.set(Number(quorumOf(charter, at) === 1))
}

export function showRoot (metrics: Metrics['governance'], { state }: Ledger): void {
  metrics.stateInfo.reset()
  metrics.stateInfo.set({ root: stateRoot(state) }, 1)
}
