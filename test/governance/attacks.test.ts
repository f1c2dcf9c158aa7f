import t, { type Test } from 'tap'
import { payloadTypeOf, type Envelope } from '../../src/governance/envelope.ts'
import { found } from '../../src/governance/genesis.ts'
import { ledgerDigest } from '../../src/governance/ledger.ts'
import { addSignatures, signStatement, toActor } from '../../src/governance/signing.ts'
import { step, type Input } from '../../src/governance/step.ts'
import { Network, castOf, charterOf, everyone, genesisOf, keysOf, refusal, stateOf, DAY, HOUR, NETWORK_ID, START } from './fixtures.ts'

const STRICT = { op: 'set', values: { profile: 'strict' } }

/** Asserts that it is refused for that reason, and that nothing of the ledger changed. */
function refuses (t: Test, network: Network, envelope: Envelope, reason: string): void {
  const before = ledgerDigest(network.ledger)
  t.equal(refusal(() => network.send(envelope)), reason)
  t.equal(ledgerDigest(network.ledger), before, 'nothing changed')
}

function withPayload (envelope: Envelope, edit: (body: Record<string, unknown>) => void): Envelope {
  const body = JSON.parse(Buffer.from(envelope.payload, 'base64').toString()) as Record<string, unknown>
  edit(body)
  return { ...envelope, payload: Buffer.from(JSON.stringify(body, Object.keys(body).sort())).toString('base64') }
}

t.test('a forged signature is refused', async t => {
  const network = new Network()
  const id = network.propose('policy', STRICT)
  const forger = keysOf('forger')
  const forged = network.about('approval', id, { ...forger, id: network.cast.sec[0].id })
  refuses(t, network, forged, 'gov_signature')
  refuses(t, network, network.about('approval', id, forger), 'gov_signer')
})

t.test('one signature of three, and one fewer than the quorum, execute nothing', async t => {
  const network = new Network({ charter: { quorum: 3 } })
  const id = network.propose('policy', STRICT)
  network.approve(id, network.cast.sec[0])
  refuses(t, network, network.about('execution', id, network.cast.ops), 'gov_quorum')
  network.approve(id, network.cast.sec[1])
  refuses(t, network, network.about('execution', id, network.cast.ops), 'gov_quorum')
  network.approve(id, network.cast.sec[2])
  t.equal(network.stage(id), 'approved')
})

t.test('a signer counts once, however often and under however many names', async t => {
  const network = new Network()
  const id = network.propose('policy', STRICT)
  network.approve(id, network.cast.sec[0])
  network.at += 1
  refuses(t, network, network.about('approval', id, network.cast.sec[0]), 'gov_duplicate')
  const twice = network.about('approval', id, network.cast.sec[1])
  refuses(t, network, { ...twice, signatures: [...twice.signatures, ...twice.signatures] }, 'gov_duplicate')
  refuses(t, network, addSignatures(network.about('approval', id, network.cast.sec[1]), network.cast.sec[2]), 'gov_signer')
})

t.test('one key cannot be two actors', async t => {
  const cast = castOf(true)
  const [first] = cast.sec
  const shared = keysOf('sec-2', false) // the Ed25519 key of sec-2, without its other key: another id
  const { actors, ...charter } = charterOf(cast)
  const twice = { ...charter, actors: [...actors, toActor(shared, 'security')] }
  t.equal(refusal(() => found(genesisOf(stateOf(twice), [...everyone(cast), shared]))), 'gov_rule')
  const renamed = { ...charter, actors: [...actors, { ...toActor(first, 'security'), id: 'f'.repeat(64) }] }
  t.equal(refusal(() => found(genesisOf(stateOf(renamed), everyone(cast)))), 'gov_schema')
})

t.test('a revoked signer approves nothing, and what was approved before no longer counts', async t => {
  const network = new Network()
  const [first, second, third] = network.cast.sec
  const pending = network.propose('policy', STRICT)
  network.approve(pending, first, third)
  t.equal(network.stage(pending), 'approved')
  const revoke = network.propose('charter', { op: 'revoke-actor', actor_id: third.id })
  network.approve(revoke, first, second)
  network.send(network.about('execution', revoke, network.cast.ops))
  t.equal(network.stage(revoke), 'promoted')
  refuses(t, network, network.about('execution', pending, network.cast.ops), 'gov_quorum')
  refuses(t, network, network.about('veto', pending, third), 'gov_signer')
  network.approve(pending, second)
  network.send(network.about('execution', pending, network.cast.ops))
  t.equal(network.stage(pending), 'canary')
})

t.test('a payload that was changed after signing is refused', async t => {
  const network = new Network()
  refuses(t, network, withPayload(network.proposal('policy', STRICT), body => { body['reason'] = 'another' }), 'gov_schema')
  const id = network.propose('policy', STRICT)
  const approval = network.about('approval', id, network.cast.sec[0])
  refuses(t, network, withPayload(approval, body => { body['created_at'] = START - 1 }), 'gov_signature')
})

t.test('a signature for one kind of statement is none for another', async t => {
  const network = new Network()
  const id = network.propose('policy', STRICT)
  const veto = network.about('veto', id, network.cast.sec[0])
  for (const kind of ['execution', 'promotion', 'rollback', 'approval']) {
    refuses(t, network, { ...veto, payloadType: payloadTypeOf(kind) }, 'gov_schema')
  }
  // Even where the fields would fit: the type is in the signed bytes.
  const execution = signStatement('veto', { schema: 'svc-dht/governance/execution/1', network_id: NETWORK_ID, actor: network.cast.sec[0].id, created_at: START, proposal_id: id, reason: 'swap' }, network.cast.sec[0])
  network.approve(id, network.cast.sec[0], network.cast.sec[1])
  refuses(t, network, { ...execution, payloadType: payloadTypeOf('execution') }, 'gov_signature')
  refuses(t, network, { ...execution, payloadType: 'application/json' }, 'gov_schema')
})

t.test('what was enacted cannot be replayed, and neither can an old approval', async t => {
  const network = new Network()
  const proposal = network.proposal('policy', STRICT)
  const id = network.enact('policy', STRICT)
  refuses(t, network, proposal, 'gov_replay')
  refuses(t, network, network.about('execution', id, network.cast.ops), 'gov_stage')
  refuses(t, network, network.about('approval', id, network.cast.sec[2]), 'gov_stage')
  // Long after, when the closed proposal is forgotten, its expiry refuses it.
  network.at += 30 * DAY
  network.enact('network', { op: 'set', values: { concurrency: 4 } })
  t.equal(network.stage(id), undefined)
  refuses(t, network, proposal, 'gov_expired')
})

t.test('a proposal for a state that has passed is refused: no way back by an old one', async t => {
  const network = new Network()
  const old = network.proposal('policy', { op: 'set', values: { profile: 'open' } }, { expires_at: START + 20 * DAY })
  network.enact('policy', STRICT)
  refuses(t, network, old, 'gov_base')
})

t.test('of two changes for one state the second is refused', async t => {
  const network = new Network()
  const one = network.propose('members', { op: 'set-mode', mode: 'observe' })
  const other = network.propose('members', { op: 'add', node: { id: 'n1', keys: { peer_id: '12D3KooWNode' }, roles: ['server'], status: 'active' } })
  for (const id of [one, other]) network.approve(id, network.cast.sec[0], network.cast.sec[1])
  network.send(network.about('execution', one, network.cast.ops))
  refuses(t, network, network.about('execution', other, network.cast.ops), 'gov_base')
  t.equal(network.ledger.state.epoch, 1)
})

t.test('a statement for another network is refused', async t => {
  const network = new Network()
  refuses(t, network, network.proposal('policy', STRICT, { network_id: 'f'.repeat(32) }), 'gov_network')
})

t.test('a clock that went back two hours changes nothing, and neither does a statement from the future', async t => {
  const network = new Network()
  const id = network.propose('policy', STRICT)
  network.at -= 2 * HOUR
  refuses(t, network, network.about('approval', id, network.cast.sec[0]), 'gov_clock')
  network.at = START
  refuses(t, network, network.about('approval', id, network.cast.sec[0], { created_at: START + HOUR }), 'gov_clock')
})

t.test('a new set of signers cannot appoint itself, and an old one cannot appoint one that does not agree', async t => {
  const network = new Network({ charter: { quorum: 2 } })
  const next = [keysOf('next-1'), keysOf('next-2'), keysOf('next-3')] as const
  const [first, second] = network.cast.sec
  // Each of the next set is added by the old one; then the quorum rises to 4: the next set must agree with four.
  for (const keys of next) network.enact('charter', { op: 'add-actor', actor: toActor(keys, 'security') })
  const id = network.propose('charter', { op: 'set-quorum', values: { quorum: 4 } })
  network.approve(id, first, second, next[0])
  refuses(t, network, network.about('execution', id, network.cast.ops), 'gov_quorum')
  network.approve(id, next[1])
  network.send(network.about('execution', id, network.cast.ops))
  t.equal(network.ledger.state.sections.charter.quorum, 4)
})

t.test('signatures of the next set alone are not a quorum', async t => {
  const network = new Network()
  const newcomer = keysOf('newcomer')
  const id = network.propose('charter', { op: 'add-actor', actor: toActor(newcomer, 'security') })
  network.approve(id, newcomer, network.cast.sec[0])
  refuses(t, network, network.about('execution', id, network.cast.ops), 'gov_quorum')
})

t.test('a node that was removed or revoked cannot add itself again', async t => {
  const network = new Network()
  const node = { id: 'n1', keys: { peer_id: '12D3KooWNode' }, roles: ['server'], status: 'active' }
  network.enact('members', { op: 'add', node })
  network.enact('members', { op: 'revoke', id: 'n1' })
  refuses(t, network, network.proposal('members', { op: 'rotate', id: 'n1', keys: { peer_id: '12D3KooWMine' } }), 'gov_rule')
  refuses(t, network, network.proposal('members', { op: 'add', node: { ...node, id: 'n2' } }), 'gov_rule')
  refuses(t, network, network.proposal('members', { op: 'add', node: { ...node, id: 'n2' } }, {}, keysOf('n1')), 'gov_signer')
})

t.test('unknown fields, versions and kinds fail closed', async t => {
  const network = new Network()
  refuses(t, network, network.proposal('policy', STRICT, { extra: 1 }), 'gov_schema')
  refuses(t, network, network.proposal('policy', STRICT, { schema: 'svc-dht/governance/proposal/2' }), 'gov_schema')
  refuses(t, network, network.proposal('policy', { op: 'set', values: { profile: 'strict', extra: 1 } }), 'gov_schema')
  refuses(t, network, network.proposal('policy', { op: 'constructor' }), 'gov_schema')
  refuses(t, network, network.proposal('policy', STRICT, { reason: 'x'.repeat(40_000) }), 'gov_size')
})

t.test('a genesis that one signer has not signed is none', async t => {
  const cast = castOf()
  const all = everyone(cast)
  for (const left of all.keys()) t.equal(refusal(() => found(genesisOf(stateOf(charterOf(cast)), all.toSpliced(left, 1)))), 'gov_quorum')
  t.equal(refusal(() => found(genesisOf(stateOf(charterOf(cast)), [...all, keysOf('stranger')]))), 'gov_signer')
  t.equal(refusal(() => found(genesisOf(stateOf(charterOf(cast, { quorum: 4 })), all))), 'gov_rule')
})

t.test('a timer or a verdict before its time is refused', async t => {
  const network = new Network()
  const id = network.propose('policy', STRICT)
  const inputs: readonly Input[] = [{ kind: 'timer', timer: { name: 'lapse', id } }, { kind: 'timer', timer: { name: 'thaw', id: 'writes' } }]
  for (const input of inputs) t.equal(refusal(() => step(network.ledger, input, START + DAY - 1)), 'gov_window')
  t.equal(refusal(() => step(network.ledger, { kind: 'canary', proposalId: id, verdict: 'green' }, START)), 'gov_stage')
})

t.test('one actor who floods it keeps nobody else from proposing or disputing, and vetoes make no room to go on', async t => {
  const network = new Network()
  const { ops, auditor, sec: [signer] } = network.cast
  const flood = (by: typeof ops): string => {
    for (let n = 0; ; n++) {
      const reason = refusal(() => network.propose('policy', STRICT, { reason: `again ${n}` }, by))
      if (reason !== 'accepted') return `${n} ${reason}`
    }
  }
  t.equal(flood(ops), '16 gov_limit')
  for (let round = 0; round < 31; round++) {
    for (const [id] of [...network.ledger.proposals].filter(([, { stage }]) => stage === 'review')) network.send(network.about('veto', id, signer))
    network.at += 1
    flood(ops)
  }
  t.equal(network.ledger.proposals.size, 512)
  const freeze = network.propose('freezes', { op: 'freeze', scope: 'writes', duration_ms: HOUR }, { authority: 'emergency' }, signer)
  t.equal(network.stage(freeze), 'review')

  const dispute = (by: typeof ops, n: number): string => refusal(() => network.send(signStatement('dispute', { schema: 'svc-dht/governance/dispute/1', network_id: NETWORK_ID, actor: by.id, created_at: network.at, subject: `audit:${n}`, summary: 's', evidence: [], requested_override: 'o', impact: 'i', contacts: 'c' }, by)))
  const filed = Array.from({ length: 65 }, (_, n) => dispute(auditor, n))
  t.equal(filed.indexOf('gov_limit'), 64)
  t.equal(dispute(signer, 99), 'accepted')
})
