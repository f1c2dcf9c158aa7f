import type { Actor } from './actor.ts'
import { refused } from './refusal.ts'
import { approversOf, emergencyQuorumOf, quorumOf, type Charter } from './sections/charter.ts'
import { apply, type State } from './state.ts'
import type { Tracked } from './ledger.ts'
import type { Proposal } from './statement.ts'

/** One set of signers, and how many of them a proposal needs and has. */
export interface Standing {
  readonly of: 'signers' | 'next signers' | 'recovery keys'
  readonly needed: number
  readonly signed: readonly string[]
}

/**
 * What a proposal needs and has, judged by the present charter. Only distinct active keys of the right role count;
 * while post-quantum signatures are required, only those that carry one.
 * @throws {DhtError} gov_base, gov_rule when the proposal no longer fits the state
 */
export function standings (state: State, tracked: Tracked, at: number): readonly Standing[] {
  const { proposal } = tracked
  const { charter } = state.sections
  const count = (of: Standing['of'], actors: readonly Actor[], needed: number, isPqNeeded = state.sections.pq.require_on): Standing => {
    const signed = tracked.approvals.filter(({ isPq }) => isPq || !isPqNeeded).map(({ actor }) => actor)
    return { of, needed, signed: actors.map(({ id }) => id).filter(id => signed.includes(id)) }
  }
  const next = (): readonly Standing[] => {
    if (proposal.section !== 'charter') return []
    const candidate = candidateCharter(state, proposal, at)
    return [count('next signers', approversOf(candidate), quorumOf(candidate, at))]
  }
  switch (proposal.authority) {
    case 'quorum': return [count('signers', approversOf(charter), quorumOf(charter, at)), ...next()]
    case 'emergency': return [count('signers', approversOf(charter), Math.max(emergencyQuorumOf(charter), quorumOf(charter, at)))]
    case 'recovery': return [count('recovery keys', charter.recovery.keys, charter.recovery.threshold), ...next()]
  }
}

/** Whether every group that has to agree has as many signatures as it needs. */
export function isMet (all: readonly Standing[]): boolean {
  return all.every(({ needed, signed }) => signed.length >= needed)
}

/** @throws {DhtError} gov_quorum with what is missing */
export function assertQuorum (all: readonly Standing[]): void {
  if (isMet(all)) return
  throw refused('gov_quorum', all.map(({ of, needed, signed }) => `${signed.length} of ${needed} ${of}`).join(', '))
}

/** The charter that a proposal leads to. @throws {DhtError} gov_base, gov_rule when it no longer fits the state */
export function candidateCharter (state: State, { base_digest: baseDigest, change }: Proposal, at: number): Charter {
  return apply(state, { section: 'charter', baseDigest, change, at }).sections.charter
}
