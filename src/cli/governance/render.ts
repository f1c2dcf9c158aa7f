import type { ProposalBody, ProposalDetailBody, StatementBody } from '../../http/admin/wire.ts'
import type { Actor, Role } from '../../governance/actor.ts'
import { isOpen } from '../../governance/ledger.ts'
import { approversOf } from '../../governance/sections/charter.ts'
import { DOWNGRADE_DELAY_MS } from '../../governance/sections/pq.ts'
import type { Proposal } from '../../governance/statement.ts'
import { apply, sectionDigest, type State } from '../../governance/state.ts'
import { Failure } from '../failure.ts'
import { renderFields, type Field, type View } from '../layout.ts'
import { formatDuration, formatMoment, printable } from '../text.ts'
import { renderDiff, toShortJson } from './diff.ts'

/** Enough of an id for people to tell actors apart. */
const SHORT = 12

/** A proposal before anyone has it: what it says, and what it would change. */
export function renderDraft (proposal: Proposal, id: string, state: State, view: View): string {
  return renderFields([['proposal', id], ...fieldsOf(proposal, state, view)], view) + renderChange(proposal, state, view)
}

/** A proposal as it stands: what it says and changes, who signed, what is missing, what time is left. */
export function renderProposal (detail: ProposalDetailBody, state: State, view: View): string {
  const { id, number, stage, proposal, approvals, disputed } = detail
  return renderFields([
    ['proposal', `${number}  ${id}`],
    ['stage', `${stage}${disputed ? ', disputed' : ''}`],
    ...fieldsOf(proposal, state, view),
    ['approved by', approvals.length === 0 ? 'nobody' : approvals.map(({ actor, at, ml_dsa_87: isPq }) => `${nameOf(actor, state)}, ${formatMoment(at, view.now)}${isPq ? '' : ', without ML-DSA-87'}`)],
    ...missingOf(detail, state),
    ...timesOf(detail, state, view),
  ], view) + (isOpen(detail) ? renderChange(proposal, state, view) : renderClosed(detail, state, view))
}

/**
 * Nobody signs for a change that cannot be shown: on another base than the one agreed, or one that its section refuses.
 * @throws {Failure} the answer is no
 */
export function assertShowable ({ section, base_digest: baseDigest, change, created_at: created }: Proposal, state: State, now: number): void {
  try {
    apply(state, { section, baseDigest, change, at: Math.max(created, now) })
  } catch (cause) {
    throw new Failure(`The proposal does not fit what is agreed: ${(cause as Error).message}.`, { exit: 'negative', code: 'Conflict', cause, hint: 'It could not be executed either: propose again on the present state.' })
  }
}

/** What became of a statement. */
export function renderAnswer ({ id, dry_run: isDry, proposal }: StatementBody, view: View): string {
  const taken = isDry ? 'would be taken' : 'taken'
  if (proposal === undefined) return renderFields([['statement', id], ['status', taken]], view)
  const { number, stage, id: proposalId } = proposal
  return renderFields([['proposal', `${number}  ${proposalId}`], ['stage', stage], ...(id === proposalId ? [] : [['statement', id] as Field]), ['status', taken], ['next', nextOf(proposal)]], view)
}

/** `security 7f960ba72161`, and the id alone for who is not in the charter. */
export function nameOf (actor: string, state: State): string {
  const role = roleOf(actor, state)
  return `${role === undefined ? '' : `${role} `}${actor.slice(0, SHORT)}`
}

/** The actor's role by the charter, which is not what its key file says; `recovery` for a recovery key. */
export function roleOf (actor: string, { sections: { charter: { actors, recovery } } }: State): Role | 'recovery' | undefined {
  return actors.find(({ id }) => id === actor)?.role ?? (recovery.keys.some(({ id }) => id === actor) ? 'recovery' : undefined)
}

function fieldsOf ({ section, authority, reason, risk, rollback, watch, actor, base_digest: base, created_at: created, expires_at: expires, escalates }: Proposal, state: State, view: View): readonly Field[] {
  return [
    ['section', section],
    ['reason', reason],
    ['risk', risk],
    ['rollback', `${rollback.plan} (within ${formatDuration(rollback.within_ms)})`],
    ['watches', watch.join(', ') || 'nothing'],
    ['author', `${nameOf(actor, state)}, ${formatMoment(new Date(created).toISOString(), view.now)}`],
    ['authority', authority],
    ...(escalates === undefined ? [] : [['escalates', escalates] as Field]),
    ['base digest', base],
    ['expires', formatMoment(new Date(expires).toISOString(), view.now)],
  ]
}

/** The change, worked out here from what is agreed: the daemon's word for it is not needed. */
function renderChange ({ section, base_digest: base, change, created_at: created }: Proposal, state: State, view: View): string {
  try {
    const after = apply(state, { section, baseDigest: base, change, at: Math.max(created, view.now) })
    return `${renderFields([['after digest', sectionDigest(after, section)]], view)}${renderDiff(section, state.sections[section], after.sections[section], view)}`
  } catch (err) {
    return `  it does not fit what is agreed: ${printable((err as Error).message)}\n  ${printable(toShortJson(change))}\n`
  }
}

function renderClosed ({ proposal: { section, change }, before, after_digest: afterDigest }: ProposalDetailBody, state: State, view: View): string {
  const fields = renderFields([['change', toShortJson(change)], ...(afterDigest === undefined ? [] : [['after digest', afterDigest] as Field])], view)
  const isInForce = afterDigest !== undefined && afterDigest === sectionDigest(state, section)
  return isInForce && before !== undefined ? fields + renderDiff(section, before, state.sections[section], view) : fields
}

function missingOf ({ standings, approvals, proposal: { section, authority } }: ProposalDetailBody, state: State): readonly Field[] {
  if (standings === undefined) return []
  const { charter } = state.sections
  const eligible = (of: string): readonly Actor[] => of === 'signers' ? approversOf(charter) : of === 'recovery keys' ? charter.recovery.keys : []
  const lines = standings.map(({ of, needed, signed }) => {
    const left = eligible(of).filter(({ id }) => !signed.includes(id)).map(({ id }) => nameOf(id, state))
    const missing = needed - signed.length
    return `${signed.length} of ${needed} ${of}${missing > 0 ? `: ${missing} more${left.length === 0 ? '' : ` of ${left.join(', ')}`}` : ''}`
  })
  const isPqLeft = state.sections.pq.require_on && approvals.some(({ ml_dsa_87: isPq }) => !isPq)
  return [['signed', lines], ...(isPqLeft ? [['note', 'an approval without ML-DSA-87 does not count, and may be given again'] as Field] : []), ...(section === 'charter' && authority !== 'recovery' ? [['note', 'the next signers must agree too'] as Field] : [])]
}

function timesOf ({ stage, proposal: { section, rollback }, lapses_at: lapses, approved_at: approved, canary_at: canary, closed_at: closed, canary_green: isGreen }: ProposalDetailBody, state: State, view: View): readonly Field[] {
  const after = (from: string, ms: number): string => formatMoment(new Date(Date.parse(from) + ms).toISOString(), view.now)
  const { require_on: isPqRequired } = state.sections.pq
  return [
    ...(stage === 'review' ? [['lapses', formatMoment(lapses, view.now)] as Field] : []),
    ...(stage === 'approved' && approved !== undefined && section === 'pq' && isPqRequired ? [['may be executed', after(approved, DOWNGRADE_DELAY_MS)] as Field] : []),
    ...(stage === 'canary' && canary !== undefined ? [['canary', isGreen === true ? 'green: it may be promoted' : `watched until it is green, not before ${after(canary, state.sections.charter.windows.canary_ms)}`] as Field] : []),
    ...(closed === undefined ? [] : [['closed', formatMoment(closed, view.now)] as Field]),
    ...(stage === 'promoted' && closed !== undefined && Date.parse(closed) + rollback.within_ms > view.now ? [['rollback ends', after(closed, rollback.within_ms)] as Field] : []),
  ]
}

function nextOf ({ number, stage, canary_green: isGreen }: ProposalBody): string {
  switch (stage) {
    case 'review': return `approvals: ronctl governance approve ${number}`
    case 'approved': return `ronctl governance execute ${number}`
    case 'canary': return isGreen === true ? `ronctl governance promote ${number}` : 'the canary is watched; when it is green, promote'
    case 'promoted': return 'nothing: it is agreed, and in force'
    case 'rolled-back': return 'nothing: it was taken back'
    case 'vetoed': return 'nothing: it was vetoed'
    case 'lapsed': return 'nothing: it lapsed'
  }
}
