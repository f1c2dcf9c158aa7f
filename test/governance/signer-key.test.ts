import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { payloadOf, type Envelope } from '../../src/governance/envelope.ts'
import { found } from '../../src/governance/genesis.ts'
import { statementId } from '../../src/governance/ledger.ts'
import { createSignerKey, publicFileOf, readPublicKey, signWith } from '../../src/governance/signer-key.ts'
import { remember } from '../../src/governance/signer-memory.ts'
import { addSignatures, unsignedStatement } from '../../src/governance/signing.ts'
import { genesisIn, type Proposal } from '../../src/governance/statement.ts'
import { castOf, charterOf, DAY, everyone, genesisOf, HOUR, Network, NETWORK_ID, START, stateOf } from './fixtures.ts'

// A signer's key file: it opens by its passphrase alone, and it never speaks for two changes on one base.

const PASSPHRASE = Buffer.from('correct horse')
const CHEAP = { memoryKib: 64, passes: 1, lanes: 1 }
const source = async (): Promise<Uint8Array> => PASSPHRASE
const never = async (): Promise<Uint8Array> => { throw new Error('nobody should be asked') }

async function setUp (t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-key-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'alice.key')
  const actor = await createSignerKey(path, { role: 'security', passphrase: PASSPHRASE, work: CHEAP })
  const network = new Network()
  const proposal = (profile: string, more: Partial<Proposal> = {}): Envelope => unsignedStatement('proposal', { ...bodyOf<Proposal>(network.proposal('policy', { op: 'set', values: { profile } })), actor: actor.id, ...more })
  const approval = (proposal: Proposal): Envelope => unsignedStatement('approval', { schema: 'svc-dht/governance/approval/1', network_id: NETWORK_ID, actor: actor.id, created_at: START, proposal_id: statementId(unsignedStatement('proposal', proposal)) })
  const sign = async (envelope: Envelope, more: { proposal?: Proposal, insteadOf?: string, now?: number } = {}) => await signWith({ envelope, ...more }, path, source, more.now ?? START)
  return { folder, path, actor, network, proposal, approval, sign }
}

function bodyOf<T> (envelope: Envelope): T {
  return JSON.parse(payloadOf(envelope).toString()) as T
}

t.test('what a key signs is accepted by a network that lists it', async t => {
  const { actor, network, proposal, sign } = await setUp(t)
  const envelope = await sign(proposal('strict'))
  t.throws(() => network.send(envelope), { code: 'NoCapability' })
  network.enact('charter', { op: 'add-actor', actor })
  const id = network.send(envelope)
  t.equal(network.stage(id), 'review')
})

t.test('the file is its owner’s alone, tells the public part to anyone, and neither seed nor passphrase', async t => {
  const { folder, path, actor } = await setUp(t)
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.strictSame(readPublicKey(path), { actor, signed: [] })
  t.notMatch(readFileSync(path, 'utf8'), /horse/)
  const pub = join(folder, 'alice.pub')
  writeFileSync(pub, publicFileOf(actor))
  t.strictSame(readPublicKey(pub), { actor })
  await t.rejects(createSignerKey(path, { role: 'ops', passphrase: PASSPHRASE, work: CHEAP }), { code: 'BadRequest', message: /EEXIST/ }, 'nothing is written over')
})

t.test('a second, different proposal on the same base is refused, and it says which was signed; nobody is asked for a passphrase', async t => {
  const { path, proposal, sign } = await setUp(t)
  const first = await sign(proposal('strict'))
  t.equal(statementId(await sign(proposal('strict'))), statementId(first), 'the same one may be signed again')
  await t.rejects(signWith({ envelope: proposal('open') }, path, never, START), { code: 'Conflict', message: new RegExp(`same base of policy: ${statementId(first)}`) })
  t.equal(readPublicKey(path).signed?.length, 2)
  t.equal((await sign(proposal('open', { network_id: 'ff'.repeat(16) }))).signatures.length, 2, 'another network has bases of its own')
})

t.test('approving speaks for a change as proposing does', async t => {
  const { path, network, proposal, approval, sign } = await setUp(t)
  const theirs = bodyOf<Proposal>(network.proposal('policy', { op: 'set', values: { profile: 'strict' } }))
  await sign(approval(theirs), { proposal: theirs })
  await t.rejects(sign(proposal('open')), { code: 'Conflict' })
  const other = { ...theirs, reason: 'something else' }
  await t.rejects(sign(approval(other), { proposal: other }), { code: 'Conflict' })
  await t.rejects(signWith({ envelope: approval(other), proposal: theirs }, path, never, START), { code: 'BadRequest' }, 'shown is one proposal, approved another')
  await t.rejects(signWith({ envelope: approval(other) }, path, never, START), { code: 'BadRequest' }, 'nothing is shown')
})

t.test('a change that can no longer take effect, or that the signer gives up by name, is in nobody’s way', async t => {
  const { proposal, sign } = await setUp(t)
  const first = statementId(await sign(proposal('strict')))
  await t.rejects(sign(proposal('open'), { insteadOf: 'ab'.repeat(32) }), { code: 'Conflict' })
  const second = statementId(await sign(proposal('open'), { insteadOf: first }))
  await t.rejects(sign(proposal('strict')), { code: 'Conflict', message: new RegExp(second) }, 'given up is given up')
  await t.rejects(sign(proposal('strict', { reason: 'later' }), { now: START + 3 * DAY - 1 }), { code: 'Conflict' })
  await sign(proposal('strict', { reason: 'later', expires_at: START + 4 * DAY }), { now: START + 3 * DAY })
  await t.rejects(sign(proposal('open', { reason: 'again', expires_at: START + 5 * DAY }), { now: START }), { code: 'Conflict' }, 'a clock that went back brings nothing back')
})

t.test('whoever edits the memory, the role or the keys gets no signature', async t => {
  const { path, proposal, sign } = await setUp(t)
  await sign(proposal('strict'))
  const text = readFileSync(path, 'utf8')
  const altered = async (change: (file: Record<string, unknown>) => object): Promise<void> => {
    writeFileSync(path, JSON.stringify(change(JSON.parse(text) as Record<string, unknown>)))
    await t.rejects(sign(proposal('strict')), { code: 'NoCapability' })
  }
  await altered(file => ({ ...file, signed: [] }))
  await altered(file => ({ ...file, actor: { ...file['actor'] as object, role: 'owner' } }))
  await altered(file => ({ ...file, mac: '00'.repeat(32) }))
  writeFileSync(path, text)
  await t.rejects(signWith({ envelope: proposal('strict') }, path, async () => Buffer.from('wrong'), START), { code: 'NoCapability', message: /passphrase does not open/ })
  chmodSync(path, 0o640)
  await t.rejects(sign(proposal('strict')), { code: 'BadRequest', message: /Others can read/ })
})

t.test('it signs nothing that it cannot read, and nothing in another’s name', async t => {
  const { path, network, proposal } = await setUp(t)
  const refused = async (envelope: Envelope, code: string): Promise<void> => { await t.rejects(signWith({ envelope }, path, never, START), { code }) }
  await refused({ ...proposal('strict'), payloadType: 'text/plain' }, 'BadRequest')
  await refused({ ...proposal('strict'), payload: Buffer.from('{}').toString('base64') }, 'BadRequest')
  await refused({ ...network.proposal('policy', {}), signatures: [] }, 'BadRequest')
})

t.test('two commands at once do not both sign: the later one waits for the former’s memory', async t => {
  const { path, proposal, sign } = await setUp(t)
  const outcomes = await Promise.allSettled([sign(proposal('strict')), sign(proposal('open'))])
  t.strictSame(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  t.equal(existsSync(`${path}.lock`), false)
  writeFileSync(`${path}.lock`, '')
  await t.rejects(sign(proposal('strict', { network_id: 'ff'.repeat(16) })), { code: 'Backpressure', hint: new RegExp(`${path}.lock`) })
})

t.test('the memory has a bound: what can no longer take effect goes first, and what can is never forgotten', async t => {
  const { path, proposal, sign } = await setUp(t)
  await sign(proposal('strict'))
  const [first] = readPublicKey(path).signed ?? []
  if (first?.stand === undefined) return t.fail('nothing was kept')
  const { stand } = first
  const entry = (n: number, expiresAt: number) => ({ ...first, stand: { ...stand, base_digest: n.toString(16).padStart(64, '0'), expires_at: expiresAt } })
  const full = Array.from({ length: 1024 }, (_, n) => entry(n, n === 7 ? START + HOUR : START + DAY))
  t.throws(() => remember(full, entry(5000, START + DAY)), { code: 'Backpressure' })
  const after = remember(full, { ...entry(5000, START + DAY), at: START + 2 * HOUR })
  t.equal(after.length, 1024)
  t.notOk(after.includes(full[7] as typeof first))
})

t.test('a genesis is signed beside the others, one for each network', async t => {
  const { actor, sign } = await setUp(t)
  const cast = castOf()
  const charter = charterOf(cast)
  const state = stateOf({ ...charter, actors: [...charter.actors, actor] })
  const draft = genesisOf(state, everyone(cast))
  t.throws(() => found(draft), { code: 'QuorumNotMet' })
  t.equal(found(await sign(draft)).state.epoch, 0)
  const other = genesisOf({ ...state, sections: { ...state.sections, pq: { require_on: false }, members: { mode: 'observe', nodes: [] } } }, everyone(cast))
  await t.rejects(sign(other), { code: 'Conflict', message: /another genesis of this network/ })
  const stranger = genesisOf(stateOf(charter), everyone(cast))
  await t.rejects(sign(stranger), { code: 'BadRequest', message: /not in the genesis/ })
  const promoted = genesisOf(stateOf({ ...charter, actors: [...charter.actors, { ...actor, role: 'owner' }] }), everyone(cast))
  await t.rejects(sign(promoted), { code: 'BadRequest', message: /lists this key as owner/ })
  t.equal(genesisIn(addSignatures(draft, cast.ops)).state.network_id, NETWORK_ID)
})
