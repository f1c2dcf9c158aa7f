import t from 'tap'
import { startTestDaemon } from '../daemon.ts'
import { only } from '../patterns.ts'
import { HOUR } from './fixtures.ts'
import { Governed, SEED, startGoverned } from './governed.ts'

// A real daemon that is governed, over its admin API: what is agreed holds in the running parts, at once.

const MEMBER = { id: 'one', keys: { peer_id: SEED.fingerprint }, roles: ['server'], status: 'active' } as const

t.test('what the genesis says holds from the start, whatever the configuration says', async t => {
  const governed = await startGoverned(t)
  const { settings } = (await governed.get('/v1/config')).body
  t.match(settings, { 'kad.concurrency': '3', 'lookup.deadline': '25s', 'kad.bootstrap': `${SEED.endpoint}/p2p/${SEED.fingerprint}` })
  t.equal(await governed.daemon.metric('policy_profile_active{profile="standard"}'), 1)
  const { body } = await governed.get('/v1/governance/status')
  t.match(body, { governed: true, epoch: 0, quorum: { needed: 2, emergency: 3 }, pq: { required: false } })
  t.equal(governed.daemon.readiness().reasons.some(({ condition }) => condition === 'governance'), false)
})

t.test('a policy is tried as a canary, and the digest of the configuration says so', async t => {
  const governed = await startGoverned(t)
  const digest = async (): Promise<unknown> => ((await (await fetch(`${governed.daemon.opsUrl}/version`)).json()) as { config_digest: string }).config_digest
  const before = await digest()
  const id = await governed.agree(t, governed.network.proposal('policy', { op: 'set', values: { profile: 'strict' } }))
  const { body: detail } = await governed.get('/v1/governance/proposals/1')
  t.match(detail, { id, number: 1, stage: 'approved', before: { profile: 'standard' }, after: { profile: 'strict' }, standings: only({ needed: 2 }) })
  t.equal((await governed.execute(id)).body.proposal?.stage, 'canary')
  t.equal(await governed.daemon.metric('policy_profile_active{profile="strict"}'), 1)
  t.not(await digest(), before)
  t.match((await governed.get('/v1/governance/state')).body, { sections: { policy: { profile: 'standard' } }, in_force: { policy: { profile: 'strict' } } })
  const back = governed.network.about('rollback', id, governed.network.cast.ops)
  t.equal((await governed.send('proposals/1/rollback', back)).status, 200)
  t.equal(await governed.daemon.metric('policy_profile_active{profile="standard"}'), 1)
  t.equal(await digest(), before)
})

t.test('a bootstrap set goes back when its canary ends', async t => {
  const governed = await startGoverned(t)
  const hashes = async (): Promise<string> => /bootstrap_set_hash\{hash="([^"]+)"\} 1/.exec(await (await fetch(`${governed.daemon.opsUrl}/metrics`)).text())?.[1] ?? ''
  const before = await hashes()
  const added = { fingerprint: '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp', endpoint: '/ip4/127.0.0.1/tcp/2' }
  const { network } = governed
  network.ledger = { ...network.ledger, state: { ...network.ledger.state, sections: { ...network.ledger.state.sections, bootstrap: { seeds: [SEED] } } } }
  const id = await governed.agree(t, network.proposal('bootstrap', { op: 'add', seed: added }))
  await governed.execute(id)
  t.not(await hashes(), before)
  await governed.send(`proposals/${id}/rollback`, network.about('rollback', id, network.cast.ops))
  t.equal(await hashes(), before)
})

t.test('a freeze refuses writes from the moment that it is executed', async t => {
  const governed = await startGoverned(t)
  const id = await governed.agree(t, governed.network.proposal('freezes', { op: 'freeze', scope: 'writes', duration_ms: HOUR }, { authority: 'emergency' }), 3)
  t.equal((await governed.execute(id)).status, 200)
  const frozen = await governed.post('/v1/providers', { key: `b3:${'aa'.repeat(32)}` })
  t.equal(frozen.status, 503)
  t.match(JSON.stringify(frozen.body), /frozen/)
  t.equal(await governed.daemon.metric('rejected_total{reason="frozen"}'), 1)
})

t.test('members are those that the quorum agreed on', async t => {
  const governed = await startGoverned(t)
  await governed.execute(await governed.agree(t, governed.network.proposal('members', { op: 'add', node: MEMBER })))
  t.match((await governed.get('/v1/membership/members')).body, { members: only(MEMBER) })
  t.match((await governed.get('/v1/membership/status')).body, { mode: 'off', active: 1, revoked: 0, restricted: false })
})

t.test('bodies are strict, a path takes its own kind about its own proposal, and a dry run does nothing', async t => {
  const governed = await startGoverned(t)
  const { network } = governed
  const envelope = network.proposal('policy', { op: 'set', values: { profile: 'strict' } })
  t.equal((await governed.post('/v1/governance/proposals', { envelope, extra: 1 })).status, 400)
  t.equal((await governed.post('/v1/governance/proposals', { envelope, dry_run: 'yes' })).status, 400)
  t.equal((await governed.send('freeze', envelope)).status, 400)
  t.equal((await governed.send('disputes', envelope)).status, 400)
  t.equal((await governed.post('/v1/governance/proposals', { envelope, dry_run: true })).status, 200)
  t.strictSame((await governed.get('/v1/governance/proposals')).body, { proposals: [] })
  const { body: { id } } = await governed.send('proposals', envelope)
  const { body: { id: other } } = await governed.send('proposals', network.proposal('policy', { op: 'set', values: { profile: 'open' } }))
  t.equal((await governed.send(`proposals/${other}/approvals`, network.about('approval', id, network.cast.sec[0]))).status, 400)
  t.equal((await governed.send('proposals/9/approvals', network.about('approval', id, network.cast.sec[0]))).status, 404)
  t.match(await governed.send(`proposals/${id}/execute`, network.about('execution', id, network.cast.ops)), { status: 409, body: { error: { code: 'QuorumNotMet' } } })
})

t.test('a daemon that is not governed says so', async t => {
  const governed = new Governed(await startTestDaemon(t))
  t.strictSame((await governed.get('/v1/governance/status')).body, { governed: false })
  t.equal((await governed.get('/v1/governance/proposals')).status, 404)
  t.equal((await governed.get('/v1/membership/status')).status, 404)
})

t.test('with a genesis that cannot be read nothing is trusted: reads go on, writes do not', async t => {
  const governed = new Governed(await startTestDaemon(t, { flags: { 'governance.genesis': '/nonexistent/genesis.json' } }))
  t.match((await governed.get('/v1/governance/status')).body, { governed: true, fault: { kind: 'genesis' } })
  t.equal((await governed.post('/v1/providers', { key: `b3:${'aa'.repeat(32)}` })).status, 503)
  t.ok(governed.daemon.readiness().reasons.some(({ condition }) => condition === 'governance'))
})

t.test('a configured value that governance overrules is shown as drift, until it is agreed on', async t => {
  const governed = await startGoverned(t, { 'kad.concurrency': '7', 'policy.profile': 'strict', 'providers.records': '1000000' })
  const { settings, drift } = (await governed.get('/v1/config')).body
  t.match(settings, { 'kad.concurrency': '3', 'policy.profile': 'standard' })
  t.strictSame(drift, { 'kad.concurrency': { configured: '7', in_force: '3' }, 'policy.profile': { configured: 'strict', in_force: 'standard' } })
  t.equal(await governed.daemon.metric('svc_dht_config_drift'), 2)
  t.match(governed.daemon.logs.filter(({ event }) => event === 'config_drift'), only({ level: 'warn', settings: only('kad.concurrency', 'policy.profile') }))

  await governed.execute(await governed.agree(t, governed.network.proposal('policy', { op: 'set', values: { profile: 'strict' } })))
  t.strictSame(Object.keys((await governed.get('/v1/config')).body.drift), ['kad.concurrency'])
  t.equal(await governed.daemon.metric('svc_dht_config_drift'), 1)
})

t.test('a daemon that follows its configuration has no drift, and does not speak of it', async t => {
  for (const daemon of [await startTestDaemon(t, { flags: { 'kad.concurrency': '7' } }), (await startGoverned(t, { 'kad.concurrency': '3' })).daemon]) {
    t.strictSame((await new Governed(daemon).get('/v1/config')).body.drift, {})
    t.equal(await daemon.metric('svc_dht_config_drift'), 0)
    t.notOk(daemon.logs.some(({ event }) => event === 'config_drift'))
  }
})
