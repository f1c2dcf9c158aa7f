import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Envelope } from '../../src/governance/envelope.ts'
import type { Permission } from '../../src/policy/permissions.ts'
import { only } from '../patterns.ts'
import { type Answer, type Governed, SEED, startGoverned } from './governed.ts'

// A capability may be held to one proposal, by a caveat. The wall judges it: what is signed is not even read before.

const ABOUT = ['approvals', 'veto', 'execute', 'promote', 'rollback'] as const
const KINDS = { approvals: 'approval', veto: 'veto', execute: 'execution', promote: 'promotion', rollback: 'rollback' } as const
const PERMISSIONS: readonly Permission[] = ['governance:read', 'governance:propose', 'governance:approve', 'governance:execute', 'governance:veto', 'governance:freeze', 'governance:dispute']
const NODE = { id: 'one', keys: { peer_id: SEED.fingerprint }, roles: ['server'], status: 'active' } as const
const REFUSED = 'rejected_total{reason="unauth"}'

/** A file with a capability for everything in governance, under this caveat. */
async function capFor (t: Test, governed: Governed, caveat: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-cap-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const { status, body } = await governed.post('/v1/caps', { memo: 'one proposal', permissions: PERMISSIONS, caveats: [caveat] })
  t.equal(status, 201)
  const file = join(folder, 'cap')
  writeFileSync(file, (body as unknown as { readonly token: string }).token)
  return file
}

/** Two proposals that await approval. */
async function twoProposals (governed: Governed): Promise<readonly [string, string]> {
  const { network } = governed
  const propose = async (envelope: Envelope): Promise<string> => (await governed.send('proposals', envelope)).body.id
  return [
    await propose(network.proposal('members', { op: 'set-mode', mode: 'observe' })),
    await propose(network.proposal('members', { op: 'add', node: NODE })),
  ]
}

function isRefused ({ status, body }: Answer): boolean {
  return status === 403 && JSON.stringify(body).includes('NoCapability')
}

t.test('a capability for one proposal approves and executes it, by its id and by its number, and nothing else', async t => {
  const governed = await startGoverned(t)
  const { network, network: { cast } } = governed
  const [id, other] = await twoProposals(governed)
  const cap = await capFor(t, governed, `proposal=${id}`)

  t.equal((await governed.send(`proposals/${id}/approvals`, network.about('approval', id, cast.sec[0]), cap)).status, 200)
  t.equal((await governed.send('proposals/1/approvals', network.about('approval', id, cast.sec[1]), cap)).status, 200)
  t.match(await governed.get('/v1/governance/proposals/1', cap), { status: 200, body: { id, stage: 'approved' } })

  const refused = await governed.daemon.metric(REFUSED)
  const tries: Answer[] = []
  for (const name of [other, '2', '3', 'f'.repeat(64)]) {
    tries.push(await governed.get(`/v1/governance/proposals/${name}`, cap))
    for (const about of ABOUT) tries.push(await governed.send(`proposals/${name}/${about}`, network.about(KINDS[about], other, cast.ops), cap))
  }
  tries.push(await governed.get('/v1/governance/proposals', cap), await governed.get('/v1/governance/state', cap))
  for (const path of ['proposals', 'freeze', 'disputes', 'obligations']) tries.push(await governed.send(path, network.proposal('policy', { op: 'set', values: { profile: 'strict' } }), cap))
  t.ok(tries.every(isRefused), 'what is about another proposal, or about none, is refused')
  t.equal(await governed.daemon.metric(REFUSED), refused + tries.length, 'and each refusal is counted')
  t.match((await governed.get('/v1/governance/proposals/2')).body, { id: other, stage: 'review', approvals: only() })

  t.match(await governed.send('proposals/1/execute', network.about('execution', id, cast.ops), cap), { status: 200, body: { proposal: { stage: 'promoted' } } })
})

t.test('what is signed about another proposal does not pass under the path of one’s own', async t => {
  const governed = await startGoverned(t)
  const { network, network: { cast } } = governed
  const [id, other] = await twoProposals(governed)
  const cap = await capFor(t, governed, `proposal=${id}`)
  for (const name of [id, '1']) t.equal((await governed.send(`proposals/${name}/approvals`, network.about('approval', other, cast.sec[0]), cap)).status, 400)
  t.match((await governed.get('/v1/governance/proposals/2')).body, { approvals: only() })
})

t.test('a number is no name in a caveat: it is another proposal on another daemon', async t => {
  const governed = await startGoverned(t)
  const { network, network: { cast } } = governed
  const [id] = await twoProposals(governed)
  const cap = await capFor(t, governed, 'proposal=1')
  for (const name of [id, '1']) t.ok(isRefused(await governed.send(`proposals/${name}/approvals`, network.about('approval', id, cast.sec[0]), cap)))
})

t.test('a list of proposals admits each of them', async t => {
  const governed = await startGoverned(t)
  const { network, network: { cast } } = governed
  const ids = await twoProposals(governed)
  const cap = await capFor(t, governed, `proposal in ${ids.join(',')}`)
  for (const id of ids) t.equal((await governed.send(`proposals/${id}/approvals`, network.about('approval', id, cast.sec[0]), cap)).status, 200)
})
