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

/** A timer and its time. */
export interface Upcoming { readonly dueAt: number, readonly timer: Timer }

/** Every timer that is set. Derived from the ledger alone, so a restart forgets none. */
export function upcoming ({ state, proposals, disputes }: Ledger): readonly Upcoming[] {
  const { overrides, freezes } = state.sections
  return [
    ...[...proposals.values()].filter(isOpen).map(({ id, stage, lapsesAt, proposal }) =>
      at(stage === 'review' ? Math.min(lapsesAt, proposal.expires_at) : proposal.expires_at, 'lapse', id)),
    ...overrides.active.map(({ id, ends_at: endsAt }) => at(endsAt, 'end-override', id)),
    ...freezes.active.map(({ scope, ends_at: endsAt }) => at(endsAt, 'thaw', scope)),
    ...[...disputes.values()].filter(({ status }) => status === 'open').map(({ id, at: filedAt }) => at(filedAt + ESCALATE_MS, 'escalate', id)),
  ]
}

/** What is due at this time. */
export function due (ledger: Ledger, time: number): readonly Timer[] {
  return upcoming(ledger).filter(({ dueAt }) => time >= dueAt).map(({ timer }) => timer)
}

function at (dueAt: number, name: Timer['name'], id: string): Upcoming {
  return { dueAt, timer: { name, id } }
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
