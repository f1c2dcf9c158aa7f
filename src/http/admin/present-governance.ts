import { isOpen, type Ledger, type Tracked } from '../../governance/ledger.ts'
import { overdue } from '../../governance/obligations.ts'
import { standings } from '../../governance/quorum.ts'
import { approversOf, emergencyQuorumOf, quorumOf } from '../../governance/sections/charter.ts'
import { DOWNGRADE_DELAY_MS } from '../../governance/sections/pq.ts'
import { apply, sectionDigest, SECTION_NAMES, stateRoot, type SectionName, type Sections, type State } from '../../governance/state.ts'
import type { GovernanceStateBody, GovernanceStatusBody, ProposalBody, ProposalDetailBody } from './wire.ts'
import { toIso } from './present.ts'

export function toGovernanceStatus (ledger: Ledger, at: number): GovernanceStatusBody {
  const { state, proposals, disputes, obligations } = ledger
  const { charter, pq, freezes, overrides } = state.sections
  const open = [...proposals.values()].filter(isOpen)
  const late = overdue(ledger, at).length
  const downgrade = open.find(({ stage, proposal, approvedAt }) => pq.require_on && stage === 'approved' && proposal.section === 'pq' && approvedAt !== undefined)
  return {
    governed: true,
    network_id: state.network_id,
    time: toIso(at),
    epoch: state.epoch,
    root: stateRoot(state),
    digests: digestsOf(state),
    quorum: {
      needed: quorumOf(charter, at),
      emergency: emergencyQuorumOf(charter),
      approvers: approversOf(charter).length,
      ...(charter.reduced_until !== undefined && { reduced_until: toIso(charter.reduced_until) }),
    },
    pq: { required: pq.require_on, ...(downgrade?.approvedAt !== undefined && { downgrade_opens_at: toIso(downgrade.approvedAt + DOWNGRADE_DELAY_MS) }) },
    open: {
      proposals: open.length,
      disputes: [...disputes.values()].filter(({ status }) => status !== 'resolved').length,
      obligations_due: [...obligations.values()].filter(({ fulfilledAt }) => fulfilledAt === undefined).length - late,
      obligations_overdue: late,
    },
    freezes: freezes.active.map(({ scope, ends_at: endsAt }) => ({ scope, ends_at: toIso(endsAt) })),
    overrides: overrides.active.map(({ id, kind, ends_at: endsAt }) => ({ id, kind, ends_at: toIso(endsAt) })),
  }
}

export function toGovernanceState ({ state }: Ledger, inForce: Sections | undefined): GovernanceStateBody {
  const { sections } = state
  const differing = SECTION_NAMES.filter(name => inForce !== undefined && inForce[name] !== sections[name]).map(name => [name, inForce?.[name]])
  return { network_id: state.network_id, epoch: state.epoch, root: stateRoot(state), sections, digests: digestsOf(state), in_force: Object.fromEntries(differing) as Partial<Sections> }
}

export function toProposal ({ disputes }: Ledger, { id, alias, stage, proposal, approvals, submittedAt, lapsesAt, approvedAt, canaryAt, closedAt, isCanaryGreen }: Tracked): ProposalBody {
  return {
    id,
    number: alias,
    stage,
    proposal,
    approvals: approvals.map(({ actor, at, isPq }) => ({ actor, at: toIso(at), ml_dsa_87: isPq })),
    submitted_at: toIso(submittedAt),
    lapses_at: toIso(lapsesAt),
    ...(approvedAt !== undefined && { approved_at: toIso(approvedAt) }),
    ...(canaryAt !== undefined && { canary_at: toIso(canaryAt) }),
    ...(closedAt !== undefined && { closed_at: toIso(closedAt) }),
    ...(isCanaryGreen !== undefined && { canary_green: isCanaryGreen }),
    disputed: [...disputes.values()].some(({ dispute, status }) => status !== 'resolved' && dispute.subject === `proposal:${id}`),
  }
}

export function toProposalDetail (ledger: Ledger, tracked: Tracked, at: number): ProposalDetailBody {
  const { state } = ledger
  const { section, base_digest: baseDigest, change } = tracked.proposal
  const shown = toProposal(ledger, tracked)
  if (!isOpen(tracked)) return { ...shown, ...(tracked.before !== undefined && { before: tracked.before }), ...(tracked.afterDigest !== undefined && { after_digest: tracked.afterDigest }) }
  try {
    const after = apply(state, { section, baseDigest, change, at })
    return { ...shown, standings: standings(state, tracked, at), before: state.sections[section], after: after.sections[section], after_digest: sectionDigest(after, section) }
  } catch {
    return shown // it no longer fits the state, which its execution will say
  }
}

function digestsOf (state: State): Readonly<Record<SectionName, string>> {
  return Object.fromEntries(SECTION_NAMES.map(name => [name, sectionDigest(state, name)])) as Record<SectionName, string>
}
