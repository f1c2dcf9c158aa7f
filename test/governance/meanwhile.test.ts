import t from 'tap'
import { toActor } from '../../src/governance/signing.ts'
import { Home } from './engines.ts'
import { HOUR, keysOf, MINUTE, PEER } from './fixtures.ts'

t.setTimeout(60_000)

const OTHER = { fingerprint: '12D3KooWBootstrap222222222222', endpoint: '/ip4/127.0.0.2/tcp/7460' }

/** A change that two signers approved, on its canary. */
async function tryOut (home: Home, ...change: Parameters<Home['propose']>): Promise<string> {
  const id = await home.propose(...change)
  await home.approve(id)
  await home.execute(id)
  return id
}

t.test('an emergency freeze of the longest time is in force at once, also while a canary is under way', async t => {
  const home = new Home(t)
  await home.start()
  const canary = await tryOut(home, 'policy', { op: 'set', values: { profile: 'strict' } })
  await home.pass(5 * MINUTE)
  const freeze = await home.propose('freezes', { op: 'freeze', scope: 'writes', duration_ms: HOUR }, { authority: 'emergency' })
  await home.approve(freeze, 3)
  await home.execute(freeze)
  t.equal(home.parts.sections?.freezes.active[0]?.scope, 'writes')
  t.equal(home.engine.ledger?.proposals.get(canary)?.stage, 'canary')
})

t.test('an emergency quorum replaces a bootstrap while another change of the bootstraps is on its canary', async t => {
  const home = new Home(t)
  await home.start()
  const canary = await tryOut(home, 'bootstrap', { op: 'add', seed: { fingerprint: '12D3KooWBootstrap333333333333', endpoint: '/ip4/127.0.0.3/tcp/7460' } })
  const replace = await home.propose('bootstrap', { op: 'replace', fingerprint: PEER, seed: OTHER }, { authority: 'emergency' })
  await home.approve(replace, 3)
  await home.execute(replace)
  t.same(home.parts.sections?.bootstrap.seeds, [OTHER])
  t.equal(home.engine.ledger?.proposals.get(canary)?.stage, 'rolled-back')
})

t.test('what was promoted goes back while a second change of the section is on its canary, which ends with it', async t => {
  const home = new Home(t)
  await home.start()
  const first = await tryOut(home, 'policy', { op: 'set', values: { profile: 'strict' } })
  await home.pass(10 * MINUTE)
  await home.promote(first)
  const second = await tryOut(home, 'policy', { op: 'deny', kind: 'countries', value: 'XX' })
  t.same(home.parts.sections?.policy.deny.countries, ['XX'])
  await home.send(home.network.about('rollback', first, home.network.cast.ops))
  t.equal(home.parts.sections?.policy.profile, 'standard')
  t.same(home.parts.sections?.policy.deny.countries, [])
  t.equal(home.engine.ledger?.proposals.get(second)?.stage, 'rolled-back')
})

t.test('a canary of required post-quantum signatures ends when a signer joins who cannot make any', async t => {
  const home = new Home(t, { isPq: true })
  await home.start()
  const canary = await tryOut(home, 'pq', { op: 'set', values: { require_on: true } })
  const joins = await home.propose('charter', { op: 'add-actor', actor: toActor(keysOf('new'), 'security') })
  await home.approve(joins)
  await home.execute(joins)
  t.equal(home.parts.sections?.pq.require_on, false)
  t.equal(home.engine.ledger?.proposals.get(canary)?.stage, 'rolled-back')
})

t.test('a daemon that stopped with a freeze and a canary in force starts with both', async t => {
  const home = new Home(t)
  await home.start()
  await tryOut(home, 'policy', { op: 'set', values: { profile: 'strict' } })
  await home.pass(5 * MINUTE)
  const freeze = await home.propose('freezes', { op: 'freeze', scope: 'writes', duration_ms: HOUR }, { authority: 'emergency' })
  await home.approve(freeze, 3)
  await home.execute(freeze)
  await home.restart()
  t.equal(home.engine.fault, undefined)
  t.equal(home.parts.sections?.freezes.active[0]?.scope, 'writes')
  t.equal(home.parts.sections?.policy.profile, 'strict')
})

t.test('a frozen section keeps its value: nothing is promoted or rolled back in it, and a canary of it may end', async t => {
  const home = new Home(t)
  await home.start()
  const { cast: { ops, sec: [signer] } } = home.network
  const promoted = await tryOut(home, 'policy', { op: 'set', values: { profile: 'strict' } })
  await home.pass(10 * MINUTE)
  await home.promote(promoted)
  const tried = await tryOut(home, 'policy', { op: 'deny', kind: 'countries', value: 'XX' })
  const freeze = await home.propose('freezes', { op: 'freeze', scope: 'policy', duration_ms: HOUR / 2 }, { authority: 'emergency' })
  await home.approve(freeze, 3)
  await home.execute(freeze)
  await home.pass(10 * MINUTE)
  t.equal(home.engine.ledger?.proposals.get(tried)?.isCanaryGreen, true)
  await t.rejects(home.promote(tried), { reason: 'gov_stage', message: 'policy is frozen' })
  await t.rejects(home.send(home.network.about('rollback', promoted, ops)), { reason: 'gov_stage', message: 'policy is frozen' })
  await home.send(home.network.about('rollback', tried, signer))
  t.equal(home.parts.sections?.policy.profile, 'strict')
  t.same(home.parts.sections?.policy.deny.countries, [])
  await home.pass(20 * MINUTE)
  await home.send(home.network.about('rollback', promoted, ops))
  t.equal(home.parts.sections?.policy.profile, 'standard', 'once it has ended, the rollback is as before')
})
