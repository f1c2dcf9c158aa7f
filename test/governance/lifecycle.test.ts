import t from 'tap'
import { ledgerDigest } from '../../src/governance/ledger.ts'
import { overdue } from '../../src/governance/obligations.ts'
import { sectionDigest } from '../../src/governance/state.ts'
import { step } from '../../src/governance/step.ts'
import { due } from '../../src/governance/timers.ts'
import { signStatement, toActor } from '../../src/governance/signing.ts'
import { Network, keysOf, refusal, DAY, HOUR, MINUTE, NETWORK_ID, PEER } from './fixtures.ts'

const STRICT = { op: 'set', values: { profile: 'strict' } }

function fireAll (network: Network): void {
  for (const timer of due(network.ledger, network.at)) network.ledger = step(network.ledger, { kind: 'timer', timer }, network.at)
}

t.test('a change takes two approvals, a green canary and a promotion', async t => {
  const network = new Network()
  const [first, second] = network.cast.sec
  const id = network.propose('policy', STRICT)
  network.approve(id, first)
  t.equal(network.stage(id), 'review')
  network.approve(id, second)
  t.equal(network.stage(id), 'approved')
  network.send(network.about('execution', id, network.cast.ops))
  t.equal(network.stage(id), 'canary')
  t.equal(network.ledger.state.sections.policy.profile, 'standard', 'the agreement changes with the promotion only')
  const green = { kind: 'canary', proposalId: id, verdict: 'green' } as const
  t.equal(refusal(() => step(network.ledger, green, network.at + 10 * MINUTE - 1)), 'gov_window')
  t.equal(refusal(() => network.send(network.about('promotion', id, network.cast.ops))), 'gov_window')
  network.at += 10 * MINUTE
  network.ledger = step(network.ledger, green, network.at)
  network.send(network.about('promotion', id, network.cast.ops))
  t.equal(network.ledger.state.sections.policy.profile, 'strict')
  t.equal(network.ledger.state.epoch, 1)
})

t.test('a red canary goes back at once, and the state was never changed', async t => {
  const network = new Network()
  const before = network.ledger.state
  const id = network.propose('policy', STRICT)
  network.approve(id, network.cast.sec[0], network.cast.sec[1])
  network.send(network.about('execution', id, network.cast.ops))
  network.ledger = step(network.ledger, { kind: 'canary', proposalId: id, verdict: 'red' }, network.at)
  t.equal(network.stage(id), 'rolled-back')
  t.strictSame(network.ledger.state, before)
})

t.test('what was promoted goes back to the last known good, inside the window it was signed with', async t => {
  const network = new Network()
  const digest = sectionDigest(network.ledger.state, 'policy')
  const id = network.enact('policy', STRICT)
  const back = network.about('rollback', id, network.cast.ops)
  network.at += HOUR - 1
  const inTime = network.ledger
  network.send(back)
  t.equal(sectionDigest(network.ledger.state, 'policy'), digest)
  t.equal(network.stage(id), 'rolled-back')
  network.ledger = inTime
  network.at += 1
  t.equal(refusal(() => network.send(back)), 'gov_expired')
})

t.test('any one security signer stops a proposal before it is executed; others cannot', async t => {
  const network = new Network()
  const id = network.propose('policy', STRICT)
  network.approve(id, network.cast.sec[0], network.cast.sec[1])
  for (const keys of [network.cast.ops, network.cast.owner, network.cast.auditor]) t.equal(refusal(() => network.send(network.about('veto', id, keys))), 'gov_signer')
  network.send(network.about('veto', id, network.cast.sec[2]))
  t.equal(refusal(() => network.send(network.about('execution', id, network.cast.ops))), 'gov_stage')
})

t.test('roles: ops cannot approve, an auditor cannot propose or execute, but can dispute', async t => {
  const network = new Network()
  const { auditor, ops, owner } = network.cast
  const id = network.propose('policy', STRICT)
  for (const keys of [ops, owner, auditor]) t.equal(refusal(() => network.approve(id, keys)), 'gov_signer')
  t.equal(refusal(() => network.propose('policy', STRICT, { reason: 'mine' }, auditor)), 'gov_signer')
  network.approve(id, network.cast.sec[0], network.cast.sec[1])
  t.equal(refusal(() => network.send(network.about('execution', id, auditor))), 'gov_signer')
  network.send(dispute(network, `proposal:${id}`))
  t.equal(network.ledger.disputes.size, 1)
})

t.test('a proposal without quorum lapses after 24 h, to the millisecond, and can be taken up again', async t => {
  const network = new Network()
  const id = network.propose('policy', STRICT)
  network.approve(id, network.cast.sec[0])
  t.equal(refusal(() => network.propose('policy', STRICT, { escalates: id })), 'gov_unknown')
  network.at += DAY - 1
  t.strictSame(due(network.ledger, network.at), [])
  network.at += 1
  t.equal(refusal(() => network.approve(id, network.cast.sec[1])), 'gov_expired', 'also before the timer fires')
  fireAll(network)
  t.equal(network.stage(id), 'lapsed')
  t.equal(refusal(() => network.propose('policy', STRICT, { escalates: id })), 'accepted')
})

t.test('with a business calendar, nights and weekends do not count', async t => {
  const calendar = { weekdays: [1, 2, 3, 4, 5], from_hour: 9, to_hour: 17 }
  const network = new Network({ charter: { windows: { lapse_ms: DAY, canary_ms: 10 * MINUTE, freeze_ms: HOUR, calendar } } })
  const id = network.propose('policy', STRICT) // Monday 09:00, so 24 working hours end on Wednesday 17:00
  t.equal(new Date(network.ledger.proposals.get(id)?.lapsesAt ?? 0).toISOString(), '2026-11-04T17:00:00.000Z')
})

t.test('post-quantum signatures: on, then without one nothing is heard, then off only after 24 h from approval', async t => {
  const network = new Network({ isPq: true })
  const off = { op: 'set', values: { require_on: false } }
  network.enact('pq', { op: 'set', values: { require_on: true } })
  const weak = keysOf('sec-1')
  const { sec: [first, second], ops } = network.cast
  const id = network.propose('pq', off)
  t.equal(refusal(() => network.send(network.about('approval', id, { ...weak, id: first.id }))), 'gov_pq')
  network.approve(id, first)
  network.at += HOUR
  network.approve(id, second)
  const execution = network.about('execution', id, ops)
  network.at += DAY - 1
  t.equal(refusal(() => network.send(execution)), 'gov_window')
  network.at += 1
  network.send(execution)
  t.equal(network.stage(id), 'canary')
})

t.test('a downgrade whose quorum was lost to a revoked signer waits again from the approval that completes it', async t => {
  const network = new Network({ isPq: true })
  network.enact('pq', { op: 'set', values: { require_on: true } })
  const { sec: [first, second, stolen], ops } = network.cast
  const id = network.propose('pq', { op: 'set', values: { require_on: false } })
  network.approve(id, first, stolen)
  network.enact('charter', { op: 'revoke-actor', actor_id: stolen.id })
  network.at += DAY
  t.equal(refusal(() => network.send(network.about('execution', id, ops))), 'gov_quorum')
  network.approve(id, second)
  const execution = network.about('execution', id, ops)
  t.equal(refusal(() => network.send(execution)), 'gov_window')
  network.at += DAY - 1
  t.equal(refusal(() => network.send(execution)), 'gov_window')
  network.at += 1
  network.send(execution)
  t.equal(network.stage(id), 'canary')
})

t.test('post-quantum signatures cannot be required of those who have none', async t => {
  const network = new Network()
  t.equal(refusal(() => network.propose('pq', { op: 'set', values: { require_on: true } })), 'gov_rule')
})

t.test('an override ends by itself within 7 days', async t => {
  const network = new Network()
  const grant = { op: 'grant', override: { id: 'lab', kind: 'allow-peer', peer_id: PEER }, duration_ms: 7 * DAY }
  t.equal(refusal(() => network.propose('overrides', { ...grant, duration_ms: 7 * DAY + 1 })), 'gov_rule')
  network.enact('overrides', grant)
  network.at += 7 * DAY - 1
  t.strictSame(due(network.ledger, network.at), [])
  network.at += 1
  fireAll(network)
  t.strictSame(network.ledger.state.sections.overrides.active, [])
})

t.test('a freeze takes the emergency quorum, ends by itself, and leaves two obligations', async t => {
  const network = new Network()
  const freeze = { op: 'freeze', scope: 'writes', duration_ms: HOUR }
  t.equal(refusal(() => network.propose('freezes', freeze)), 'gov_rule', 'not by the ordinary quorum')
  const id = network.propose('freezes', freeze, { authority: 'emergency' })
  const { sec: [first, second, third], ops } = network.cast
  network.approve(id, first, second)
  t.equal(refusal(() => network.send(network.about('execution', id, ops))), 'gov_quorum', 'ceil(3/2)+1 is 3')
  network.approve(id, third)
  network.send(network.about('execution', id, ops))
  t.equal(network.ledger.state.sections.freezes.active[0]?.scope, 'writes')
  const frozenAt = network.at
  network.at += HOUR - 1
  t.strictSame(due(network.ledger, network.at), [])
  network.at += 1
  fireAll(network)
  t.strictSame(network.ledger.state.sections.freezes.active, [])
  t.equal(overdue(network.ledger, frozenAt + DAY).length, 0)
  t.strictSame(overdue(network.ledger, frozenAt + DAY + 1).map(({ kind }) => kind), ['public-event'])
  network.send(fulfilment(network, `${id}:public-event`))
  t.equal(refusal(() => network.send(fulfilment(network, `${id}:public-event`))), 'gov_replay')
  t.strictSame(overdue(network.ledger, frozenAt + 3 * DAY + 1).map(({ kind }) => kind), ['post-mortem'])
})

t.test('in a micronode a freeze lasts 30 minutes', async t => {
  const windows = { lapse_ms: DAY, canary_ms: 10 * MINUTE, freeze_ms: HOUR / 2 }
  const network = new Network({ charter: { profile: 'micronode', windows } })
  t.equal(refusal(() => network.propose('freezes', { op: 'freeze', scope: 'writes', duration_ms: HOUR / 2 + 1 }, { authority: 'emergency' })), 'gov_rule')
  t.equal(refusal(() => new Network({ charter: { profile: 'micronode' } })), 'gov_rule')
})

t.test('a quorum of one is for micronodes, and ends by itself', async t => {
  const windows = { lapse_ms: DAY, canary_ms: 10 * MINUTE, freeze_ms: HOUR / 2 }
  t.equal(refusal(() => new Network({ charter: { quorum: 1, reduced_until: 1e15 } })), 'gov_rule')
  t.equal(refusal(() => new Network({ charter: { profile: 'micronode', windows, quorum: 1 } })), 'gov_rule')
  const network = new Network({ charter: { profile: 'micronode', windows, quorum: 1, reduced_until: Date.UTC(2026, 10, 3) } })
  const id = network.propose('policy', STRICT)
  network.approve(id, network.cast.owner)
  t.equal(network.stage(id), 'approved')
  network.at = Date.UTC(2026, 10, 3)
  t.equal(refusal(() => network.send(network.about('execution', id, network.cast.ops))), 'gov_quorum')
})

t.test('the recovery set sets a new charter when the quorum is lost, and the new signers must agree', async t => {
  const network = new Network()
  const next = [keysOf('new-1'), keysOf('new-2'), keysOf('new-3')] as const
  const change = { op: 'reconstitute', actors: next.map(keys => toActor(keys, 'security')), quorum: 2 }
  const [one, two] = network.cast.recovery
  t.equal(refusal(() => network.propose('charter', change)), 'gov_rule', 'not by the quorum')
  const id = network.propose('charter', change, { authority: 'recovery' }, one)
  network.approve(id, one, two)
  t.equal(refusal(() => network.send(network.about('veto', id, network.cast.sec[0]))), 'gov_signer')
  t.equal(refusal(() => network.send(network.about('execution', id, one))), 'gov_quorum')
  network.approve(id, next[0], next[1])
  network.send(network.about('execution', id, one))
  t.strictSame(network.ledger.state.sections.charter.actors.map(({ id }) => id), next.map(({ id }) => id))
})

t.test('a dispute that nobody resolves goes up after 72 h, and nobody resolves their own', async t => {
  const network = new Network()
  const { auditor, owner } = network.cast
  const id = network.send(dispute(network, 'audit:12'))
  t.equal(refusal(() => network.send(resolution(network, id, auditor))), 'gov_signer')
  network.at += 3 * DAY
  fireAll(network)
  t.equal(network.ledger.disputes.get(id)?.status, 'escalated')
  t.equal(refusal(() => network.propose('overrides', { op: 'grant', override: { id: 'appeal', kind: 'allow-peer', peer_id: PEER }, duration_ms: HOUR }, { escalates: id }, owner)), 'accepted')
  network.send(resolution(network, id, owner))
  t.equal(network.ledger.disputes.get(id)?.status, 'resolved')
})

t.test('two ledgers of the same inputs are equal to the last digest', async t => {
  const [one, other] = [new Network(), new Network()]
  for (const network of [one, other]) network.enact('policy', STRICT)
  t.equal(ledgerDigest(one.ledger), ledgerDigest(other.ledger))
})

function dispute (network: Network, subject: string) {
  return signStatement('dispute', {
    schema: 'svc-dht/governance/dispute/1',
    network_id: NETWORK_ID,
    actor: network.cast.auditor.id,
    created_at: network.at,
    subject,
    summary: 'denied without cause',
    evidence: ['metrics at noon'],
    requested_override: 'let the peer in',
    impact: 'two services',
    contacts: 'on call',
  }, network.cast.auditor)
}

function resolution (network: Network, id: string, by: Network['cast']['owner']) {
  return signStatement('resolution', { schema: 'svc-dht/governance/resolution/1', network_id: NETWORK_ID, actor: by.id, created_at: network.at, dispute_id: id, outcome: 'let in' }, by)
}

function fulfilment (network: Network, id: string) {
  const { owner } = network.cast
  return signStatement('fulfilment', { schema: 'svc-dht/governance/fulfilment/1', network_id: NETWORK_ID, actor: owner.id, created_at: network.at, obligation_id: id, link: 'https://example.org/event' }, owner)
}
