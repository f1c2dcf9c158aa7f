import { withDispute } from './appeals.ts'
import { object, oneOf, text, type Of } from './form.ts'
import { isOpen, type Ledger } from './ledger.ts'
import { close } from './lifecycle.ts'
import { refused } from './refusal.ts'
import { HOUR_MS } from './sections/rules.ts'
import { withSection } from './state.ts'

/** An unresolved dispute goes to the owner after this. */
const ESCALATE_MS = 72 * HOUR_MS

export const timerForm = object({ name: oneOf('lapse', 'end-override', 'thaw', 'escalate'), id: text(64) })
/** A time that has come: for a proposal, an override, a frozen scope or a dispute. */
export type Timer = Of<typeof timerForm>

/** What is due at this time. Derived from the ledger alone, so a restart forgets no timer. */
export function due ({ state, proposals, disputes }: Ledger, at: number): readonly Timer[] {
  const { overrides, freezes } = state.sections
  return [
    ...[...proposals.values()].filter(tracked => isOpen(tracked) && at >= (tracked.stage === 'review' ? Math.min(tracked.lapsesAt, tracked.proposal.expires_at) : tracked.proposal.expires_at))
      .map(({ id }): Timer => ({ name: 'lapse', id })),
    ...overrides.active.filter(({ ends_at: endsAt }) => at >= endsAt).map(({ id }): Timer => ({ name: 'end-override', id })),
    ...freezes.active.filter(({ ends_at: endsAt }) => at >= endsAt).map(({ scope }): Timer => ({ name: 'thaw', id: scope })),
    ...[...disputes.values()].filter(({ status, at: filedAt }) => status === 'open' && at >= filedAt + ESCALATE_MS).map(({ id }): Timer => ({ name: 'escalate', id })),
  ]
}

/** @throws {DhtError} gov_window for a timer that is not due */
export function fire (ledger: Ledger, { name, id }: Timer): Ledger {
  const { state, time } = ledger
  if (!due(ledger, time).some(timer => timer.name === name && timer.id === id)) throw refused('gov_window', `${name} is not due`)
  const { overrides, freezes } = state.sections
  const context = { at: time, overrides }
  switch (name) {
    case 'lapse': {
      const tracked = ledger.proposals.get(id)
      return tracked === undefined ? ledger : close(ledger, tracked, tracked.stage === 'canary' ? 'rolled-back' : 'lapsed')
    }
    case 'end-override': return { ...ledger, state: withSection(state, 'overrides', { active: overrides.active.filter(other => other.id !== id) }, context) }
    case 'thaw': return { ...ledger, state: withSection(state, 'freezes', { active: freezes.active.filter(({ scope }) => scope !== id) }, context) }
    case 'escalate': {
      const dispute = ledger.disputes.get(id)
      return dispute === undefined ? ledger : withDispute(ledger, { ...dispute, status: 'escalated' })
    }
  }
}
