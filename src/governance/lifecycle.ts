import { lapseTime } from './calendar.ts'
import { entitled } from './entitled.ts'
import type { Envelope } from './envelope.ts'
import { isOpen, type Ledger, type Stage, type Tracked } from './ledger.ts'
import { oblige } from './obligations.ts'
import { assertQuorum, isMet, standings } from './quorum.ts'
import { refused } from './refusal.ts'
import { DAY_MS, must } from './sections/rules.ts'
import { DOWNGRADE_DELAY_MS, isDowngrade, pq } from './sections/pq.ts'
import { authenticate } from './signer.ts'
import type { Proposal, StatementOf } from './statement.ts'
import { SECTIONS, apply, sectionDigest, withSection, type SectionName } from './state.ts'

/** Of one author there are fewer, so that nobody alone keeps the others from proposing. */
const OPEN = { max: 64, each: 16 }
const KEPT = { max: 1024, each: 512 }
const MAX_LIFE_MS = 30 * DAY_MS
/** A closed proposal is told about for this long, and until it expires: so long it cannot be replayed. */
const KEEP_CLOSED_MS = 7 * DAY_MS

export function propose (ledger: Ledger, envelope: Envelope, proposal: Proposal, id: string): Ledger {
  const { state, time } = ledger
  const { charter } = state.sections
  if (ledger.proposals.has(id)) throw refused('gov_replay', 'the proposal is known already')
  if (proposal.expires_at <= time) throw refused('gov_expired', 'the proposal has expired')
  if (proposal.expires_at - proposal.created_at > MAX_LIFE_MS || proposal.expires_at <= proposal.created_at) throw refused('gov_schema', 'a proposal expires within 30 days of its making')
  authenticate(state, envelope, proposal.actor, entitled(state, { kind: 'proposal', proposal }, time))
  assertAuthority(proposal)
  assertEscalation(ledger, proposal)
  apply(state, { section: proposal.section, baseDigest: proposal.base_digest, change: proposal.change, at: time })
  const kept = new Map([...ledger.proposals].filter(([, tracked]) => isOpen(tracked) || time < Math.max(tracked.proposal.expires_at, (tracked.closedAt ?? time) + KEEP_CLOSED_MS)))
  assertRoom([...kept.values()], KEPT, proposal.actor)
  assertRoom([...kept.values()].filter(isOpen), OPEN, proposal.actor)
  const tracked: Tracked = { id, alias: ledger.nextAlias, proposal, stage: 'review', submittedAt: time, lapsesAt: lapseTime(time, charter.windows), approvals: [] }
  return { ...ledger, nextAlias: ledger.nextAlias + 1, proposals: kept.set(id, tracked) }
}

export function approve (ledger: Ledger, envelope: Envelope, { proposal_id: id, actor }: StatementOf<'approval'>): Ledger {
  const tracked = inStage(ledger, id, 'review', 'approved')
  assertFresh(ledger, tracked)
  const { isPq } = authenticate(ledger.state, envelope, actor, entitled(ledger.state, { kind: 'approval', proposal: tracked.proposal }, ledger.time))
  // An approval from before post-quantum signatures were required may be given again with one.
  if (tracked.approvals.some(given => given.actor === actor && given.isPq >= isPq)) throw refused('gov_duplicate', 'the signer has approved already, and counts once')
  const approvals = [...tracked.approvals.filter(given => given.actor !== actor), { actor, at: ledger.time, isPq }]
  const approved = { ...tracked, approvals }
  // A quorum that was lost to a revoked signer, and is there again by this approval, waits as a new one does.
  const isApproved = isQuorate(ledger, approved) && !(tracked.stage === 'approved' && isQuorate(ledger, tracked))
  return withTracked(ledger, isApproved ? { ...approved, stage: 'approved', approvedAt: ledger.time } : approved)
}

/** Any one security signer stops a proposal before it is executed. The recovery set is there for when signers are not to be trusted. */
export function veto (ledger: Ledger, envelope: Envelope, { proposal_id: id, actor }: StatementOf<'veto'>): Ledger {
  const tracked = inStage(ledger, id, 'review', 'approved')
  authenticate(ledger.state, envelope, actor, entitled(ledger.state, { kind: 'veto' }, ledger.time))
  if (tracked.proposal.authority === 'recovery') throw refused('gov_signer', 'signers cannot veto the recovery set')
  return close(ledger, tracked, 'vetoed')
}

export function execute (ledger: Ledger, envelope: Envelope, { proposal_id: id, actor }: StatementOf<'execution'>): Ledger {
  const { state, time, proposals } = ledger
  const tracked = inStage(ledger, id, 'approved', 'review')
  const { proposal } = tracked
  const { section, authority } = proposal
  assertFresh(ledger, tracked)
  authenticate(state, envelope, actor, entitled(state, { kind: 'execution', proposal }, time))
  assertQuorum(standings(state, tracked, time))
  assertWindow(ledger, tracked)
  const isEmergency = authority === 'emergency'
  if (!isEmergency) assertNotFrozen(ledger, section)
  if (!SECTIONS[section].isCanaried || isEmergency) {
    const applied = applyProposal(ledger, tracked)
    return isEmergency ? oblige(applied, id) : applied
  }
  apply(state, { section, baseDigest: proposal.base_digest, change: proposal.change, at: time })
  if ([...proposals.values()].some(other => other.stage === 'canary' && other.proposal.section === section)) throw refused('gov_stage', `another canary of ${section} is under way`)
  return withTracked(ledger, { ...tracked, stage: 'canary', canaryAt: time })
}

/** What the daemon saw of its canary: red rolls back at once, green lets it be promoted once it was watched long enough. */
export function concludeCanary (ledger: Ledger, id: string, verdict: 'green' | 'red'): Ledger {
  const tracked = inStage(ledger, id, 'canary')
  if (verdict === 'red') return close(ledger, tracked, 'rolled-back')
  const endsAt = (tracked.canaryAt ?? ledger.time) + ledger.state.sections.charter.windows.canary_ms
  if (ledger.time < endsAt) throw refused('gov_window', 'the canary has not been watched for long enough')
  return withTracked(ledger, { ...tracked, isCanaryGreen: true })
}

export function promote (ledger: Ledger, envelope: Envelope, { proposal_id: id, actor }: StatementOf<'promotion'>): Ledger {
  const tracked = inStage(ledger, id, 'canary')
  assertFresh(ledger, tracked)
  authenticate(ledger.state, envelope, actor, entitled(ledger.state, { kind: 'promotion' }, ledger.time))
  assertNotFrozen(ledger, tracked.proposal.section)
  if (tracked.isCanaryGreen !== true) throw refused('gov_window', 'the canary is not green yet')
  assertQuorum(standings(ledger.state, tracked, ledger.time))
  return applyProposal(ledger, tracked)
}

/** Ends a canary; or, inside the window that the proposal was signed with, brings the last known good section back. */
export function rollBack (ledger: Ledger, envelope: Envelope, { proposal_id: id, actor }: StatementOf<'rollback'>): Ledger {
  const { state, time } = ledger
  const tracked = inStage(ledger, id, 'canary', 'promoted')
  const { proposal: { section, rollback }, closedAt = time, afterDigest, before } = tracked
  authenticate(state, envelope, actor, entitled(state, { kind: 'rollback' }, time))
  if (tracked.stage === 'canary') return close(ledger, tracked, 'rolled-back')
  assertNotFrozen(ledger, section)
  if (!SECTIONS[section].isCanaried || section === 'pq') throw refused('gov_quorum', `${section} goes back by a new proposal only`)
  if (time >= closedAt + rollback.within_ms) throw refused('gov_expired', 'the time in which the proposal allows a rollback is over')
  if (sectionDigest(state, section) !== afterDigest) throw refused('gov_base', `${section} has changed since`)
  return close({ ...ledger, state: withSection(state, section, before, { at: time, overrides: state.sections.overrides }) }, tracked, 'rolled-back')
}

/** Ends each canary of a change that does not fit the state any more: an emergency or a rollback went past it, and it could never be promoted. */
export function endOvertaken (ledger: Ledger): Ledger {
  const canaries = [...ledger.proposals.values()].filter(({ stage }) => stage === 'canary')
  return canaries.filter(({ proposal }) => !isFitting(ledger, proposal)).reduce((ended, tracked) => close(ended, tracked, 'rolled-back'), ledger)
}

export function close (ledger: Ledger, tracked: Tracked, stage: Stage): Ledger {
  return withTracked(ledger, { ...tracked, stage, closedAt: ledger.time })
}

function isFitting ({ state, time }: Ledger, { section, base_digest: baseDigest, change }: Proposal): boolean {
  try {
    apply(state, { section, baseDigest, change, at: time })
    return true
  } catch {
    return false // its promotion would say why
  }
}

function assertRoom (proposals: readonly Tracked[], { max, each }: typeof OPEN, author: string): void {
  if (proposals.length >= max) throw refused('gov_limit', 'too many proposals are under way')
  if (proposals.filter(({ proposal: { actor } }) => actor === author).length >= each) throw refused('gov_limit', 'the author has too many proposals under way')
}

function isQuorate ({ state, time }: Ledger, tracked: Tracked): boolean {
  return isMet(standings(state, tracked, time))
}

function applyProposal (ledger: Ledger, tracked: Tracked): Ledger {
  const { section, base_digest: baseDigest, change } = tracked.proposal
  const state = apply(ledger.state, { section, baseDigest, change, at: ledger.time })
  const applied = { ...tracked, before: ledger.state.sections[section], afterDigest: sectionDigest(state, section) }
  return close({ ...ledger, state }, applied, 'promoted')
}

/** What each authority is for, and nothing else. */
function assertAuthority ({ authority, section, change }: Proposal): void {
  const { op } = change
  const isReconstitution = section === 'charter' && op === 'reconstitute'
  must((authority === 'recovery') === isReconstitution, 'the recovery set reconstitutes the charter, and nobody else does')
  if (authority === 'emergency') must(section === 'freezes' || (section === 'bootstrap' && op !== 'add'), 'an emergency freezes, thaws, or replaces a bootstrap')
  if (authority === 'quorum') must(section !== 'freezes' || op === 'thaw', 'a freeze needs the emergency quorum')
}

/** A frozen section keeps its value: what is on a canary of it may only end. */
function assertNotFrozen ({ state, time }: Ledger, section: SectionName): void {
  const isFrozen = state.sections.freezes.active.some(({ scope, ends_at: endsAt }) => scope === section && endsAt > time)
  if (isFrozen) throw refused('gov_stage', `${section} is frozen`, { hint: 'Wait until the freeze ends, or thaw it.' })
}

function assertEscalation ({ proposals, disputes }: Ledger, { escalates }: Proposal): void {
  if (escalates === undefined) return
  const isKnown = proposals.get(escalates)?.stage === 'lapsed' || disputes.get(escalates)?.status === 'escalated'
  if (!isKnown) throw refused('gov_unknown', 'it escalates neither a lapsed proposal nor an escalated dispute')
}

/** A post-quantum downgrade waits for a day from its approval, as the log knows it. */
function assertWindow ({ state, time }: Ledger, { proposal, approvedAt = time }: Tracked): void {
  if (proposal.section !== 'pq' || !state.sections.pq.require_on || !isDowngrade(pq.change(proposal.change, 'change'))) return
  const opensAt = approvedAt + DOWNGRADE_DELAY_MS
  if (time < opensAt) throw refused('gov_window', `a post-quantum downgrade waits until ${new Date(opensAt).toISOString()}`, { retryAfterMs: opensAt - time })
}

function assertFresh ({ time }: Ledger, { proposal, stage, lapsesAt }: Tracked): void {
  if (time >= proposal.expires_at || (stage === 'review' && time >= lapsesAt)) throw refused('gov_expired', 'the proposal has expired')
}

function inStage ({ proposals }: Ledger, id: string, ...stages: readonly Stage[]): Tracked {
  const tracked = proposals.get(id)
  if (tracked === undefined) throw refused('gov_unknown', 'no such proposal')
  if (!stages.includes(tracked.stage)) throw refused('gov_stage', `the proposal is ${tracked.stage}`)
  return tracked
}

function withTracked (ledger: Ledger, tracked: Tracked): Ledger {
  return { ...ledger, proposals: new Map(ledger.proposals).set(tracked.id, tracked) }
}
