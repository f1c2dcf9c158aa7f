import type { Case } from './collect.ts'

// What membership-plan.md and control-plane.md name, and the tests that show it.

const ATTACKS = 'governance/attacks.test.ts'
const INTEGRITY = 'governance/integrity.test.ts'
const LIFECYCLE = 'governance/lifecycle.test.ts'
const ENGINE = 'governance/engine.test.ts'
const MEMBERS = 'kad/members/members-daemon.test.ts'
const CLI = 'cli/commands/membership.test.ts'

const from = (source: string, file: string, tests: Readonly<Record<string, string>>): Case[] => Object.entries(tests).map(([demand, test]) => ({ demand, source, file, test }))

/** The attack matrix. */
export const NEGATIVE: readonly Case[] = [
  ...from('membership-plan.md §6', ATTACKS, {
    '1 forged signature': 'a forged signature is refused',
    '2 under-threshold signer set': 'one signature of three, and one fewer than the quorum, execute nothing',
    '3 replay of an old valid update': 'what was enacted cannot be replayed, and neither can an old approval',
    '5 conflicting updates of one epoch': 'of two changes for one state the second is refused',
    '6 a node adds itself again': 'a node that was removed or revoked cannot add itself again',
    '8 time skew beyond policy': 'a clock that went back two hours changes nothing, and neither does a statement from the future',
  }),
  ...from('membership-plan.md §6', INTEGRITY, { '4 rollback to an older snapshot': 'an older snapshot that is put back is detected, and is not what holds' }),
  ...from('membership-plan.md §6', MEMBERS, { '7 a revoked node comes back': 'a revoked peer is cut off mid-stream, its records are gone at once, and it cannot come back' }),
  ...from('control-plane.md §8.5', 'governance/envelope.test.ts', { 'PAE equals @sigstore/core': 'it equals that of @sigstore/core for any type and bytes' }),
  ...from('control-plane.md §8.5', ATTACKS, {
    'duplicate key id': 'a signer counts once, however often and under however many names',
    'same key under two ids': 'one key cannot be two actors',
    'revoked signer': 'a revoked signer approves nothing, and what was approved before no longer counts',
    'payload type swap': 'a signature for one kind of statement is none for another',
    '1 of 3, off by one': 'one signature of three, and one fewer than the quorum, execute nothing',
    'modified payload': 'a payload that was changed after signing is refused',
  }),
  ...from('control-plane.md §8.10', INTEGRITY, {
    'restore an old snapshot': 'an older snapshot that is put back is detected, and is not what holds',
    'truncate the log': 'an older log that is put back, with all that belongs to it, is detected by the mark; the snapshot holds',
    'swap the log of another network': 'another genesis, or none, over a log that is governed is detected',
  }),
  ...from('control-plane.md §8.10', ATTACKS, {
    'foreign network id': 'a statement for another network is refused',
    'clock back 2 h': 'a clock that went back two hours changes nothing, and neither does a statement from the future',
    'two updates at one epoch': 'of two changes for one state the second is refused',
    'rollback by an old proposal': 'a proposal for a state that has passed is refused: no way back by an old one',
    'signed by the next set only': 'signatures of the next set alone are not a quorum',
    'a next set appoints itself': 'a new set of signers cannot appoint itself, and an old one cannot appoint one that does not agree',
  }),
  ...from('control-plane.md §8.11', LIFECYCLE, {
    '24 h downgrade lock to the millisecond': 'post-quantum signatures: on, then without one nothing is heard, then off only after 24 h from approval',
    'override ends within 7 d': 'an override ends by itself within 7 days',
    'freeze ends after 60 min': 'a freeze takes the emergency quorum, ends by itself, and leaves two obligations',
    'freeze ends after 30 min in a micronode': 'in a micronode a freeze lasts 30 minutes',
  }),
  ...from('control-plane.md §8.11', ENGINE, {
    'downgrade lock over a restart and a clock jump': 'giving up post-quantum signatures waits for 24 h, over restarts, and no clock shortens it',
    'clock set back over a restart': 'a clock that was set back over a restart is not believed',
    'refusals are counted and logged': 'refused inputs change nothing, are counted, and a flood of them leaves a few entries',
  }),
  ...from('control-plane.md §8.11', 'governance/trusted-time.test.ts', { 'clock jump': 'a clock that jumps two hours, either way, is not believed' }),
]

/** Acceptance of the phases M0 to M6. */
export const CONFORMANCE: readonly Case[] = [
  ...from('membership-plan.md M0', 'ops/governance/vectors.test.ts', { 'golden vectors': 'the code computes the golden vectors', 'the example and its root': 'the example is a genesis of its state root, and says that its keys are public' }),
  ...from('membership-plan.md M0', ATTACKS, { 'unknown versions fail closed': 'unknown fields, versions and kinds fail closed' }),
  ...from('membership-plan.md M1', 'governance/properties.test.ts', {
    'legal transitions only, deterministic replay': 'no order of inputs, valid or not, reaches an illegal state; every change had its quorum; a replay ends alike',
    'nobody alone': 'one actor alone, whoever it is, changes nothing',
  }),
  ...from('membership-plan.md M1', LIFECYCLE, { 'one root for one input': 'two ledgers of the same inputs are equal to the last digest' }),
  ...from('membership-plan.md M2', LIFECYCLE, { 'threshold and roles': 'a change takes two approvals, a green canary and a promotion', 'who may do what': 'roles: ops cannot approve, an auditor cannot propose or execute, but can dispute' }),
  ...from('membership-plan.md M4', MEMBERS, { 'no outsider at connection, table or dial': 'an outsider is neither let in nor dialled, and has no place in the table' }),
  ...from('membership-plan.md M4', 'governance/daemon.test.ts', { 'members by the quorum, on a daemon': 'members are those that the quorum agreed on' }),
  ...from('membership-plan.md M5', 'governance/decisions.test.ts', { 'strangers and the revoked are denied': 'an enforced list refuses strangers, the revoked, and keys of two members; observing only counts' }),
  ...from('membership-plan.md M5', 'kad/members/members.test.ts', { 'members and nobody else': 'when it is enforced, members and we are admitted and nobody else' }),
  ...from('membership-plan.md M6', CLI, {
    'add, rotate, revoke, remove': 'a node is let in, changes its keys, is shut out and forgotten, each by a quorum',
    'carried from signer to signer': 'an update is carried from signer to signer, judged away from any daemon, and applied',
    'verify-log': 'who is a member is worked out from the log alone, and a log or a genesis of somebody else says nothing',
  }),
  ...from('membership-plan.md M8', 'architecture.test.ts', { 'boundaries: governance': 'governance imports only what it may', 'boundaries: policy': 'policy imports only what it may', 'boundaries: core': 'core imports only what it may' }),
]

/** Integrity of what is kept, and ways back. */
export const RECOVERY: readonly Case[] = [
  ...from('membership-plan.md M3', INTEGRITY, {
    'tampered snapshot; the log restores everything': 'an altered snapshot, or one of another daemon, is detected; without it the log restores everything',
    'tampered log, last safe state': 'a log that is not as it was left: the snapshot holds',
    'unknown, illegal or missing input': 'an event of an unknown version, one that the rules refuse, another root and a missing input are detected; what came before holds',
    'replay in the time of a start': 'a log is replayed in the time of a start',
  }),
  ...from('membership-plan.md M3', ENGINE, {
    'restart after every step': 'the whole lifecycle, with a restart after every step, ends in the same state',
    'crash between log and effect': 'an input that was logged but not adopted is adopted by the next start; one that was told again counts once',
    'no effect without the log': 'what the log does not take has no effect',
  }),
  ...from('membership-plan.md M3', 'governance/daemon.test.ts', { 'restricted-safe on a daemon': 'with a genesis that cannot be read nothing is trusted: reads go on, writes do not' }),
  ...from('membership-plan.md M7', LIFECYCLE, { 'a compromised quorum is replaced': 'the recovery set sets a new charter when the quorum is lost, and the new signers must agree', 'back to the last known good': 'what was promoted goes back to the last known good, inside the window it was signed with' }),
]

/** membership-plan.md M7: held while the gates run; their findings are part of the recovery report. */
export const DRILLS_HELD: readonly string[] = ['emergency-revocation', 'governance-restore', 'node-key-compromise', 'quorum-reconstitution', 'rogue-admin-quorum', 'signer-key-compromise']
