import t from 'tap'
import { ledgerDigest } from '../../src/governance/ledger.ts'
import { liveSettings } from '../../src/governance/live-values.ts'
import { stateRoot, type Sections } from '../../src/governance/state.ts'
import { until } from '../daemon.ts'
import { failing, Home } from './engines.ts'
import { DAY, HOUR, MINUTE, PEER } from './fixtures.ts'

const STRICT = { op: 'set', values: { profile: 'strict' } }

async function refusal (act: () => Promise<unknown>): Promise<string> {
  return await act().then(() => 'accepted', (err: { reason?: string, message: string }) => err.reason ?? err.message)
}

t.test('the whole lifecycle, with a restart after every step, ends in the same state', async t => {
  const home = new Home(t)
  await home.start()
  const again = async (): Promise<void> => {
    const ledger = home.engine.ledger
    await home.restart()
    t.equal(ledgerDigest(home.engine.ledger!), ledgerDigest(ledger!))
  }
  await again()
  const id = await home.propose('policy', STRICT)
  await again()
  await home.approve(id, 1)
  await again()
  t.equal(await refusal(async () => await home.execute(id)), 'gov_quorum', 'one approval is not enough')
  await home.send(home.network.about('approval', id, home.network.cast.sec[1]))
  await again()
  await home.execute(id)
  t.equal(home.parts.sections?.policy.profile, 'strict', 'the canary is in force on this daemon')
  t.equal(home.engine.ledger?.state.sections.policy.profile, 'standard')
  const canaries = async (): Promise<number[]> => await Promise.all(['watched', 'green'].map(async state => await home.value('svc_dht_governance_canaries', { state })))
  t.strictSame(await canaries(), [1, 0])
  await again()
  t.equal(home.parts.sections?.policy.profile, 'strict', 'and still is after a restart')
  await home.pass(10 * MINUTE)
  t.equal(home.engine.ledger?.proposals.get(id)?.isCanaryGreen, true)
  t.strictSame(await canaries(), [0, 1])
  await again()
  await home.promote(id)
  t.strictSame(await canaries(), [0, 0])
  await again()
  t.equal(home.engine.ledger?.state.sections.policy.profile, 'strict')
  t.equal(home.parts.sections?.policy.profile, 'strict')
  const actions = (await home.entries()).map(({ action }) => action)
  t.strictSame(actions, ['governance.found', 'proposal.propose', 'proposal.approve', 'governance.refuse', 'proposal.approve', 'proposal.execute', 'canary.green', 'proposal.promote'])
  const promoted = (await home.entries()).at(-1)
  t.equal(promoted?.after_digest, stateRoot(home.engine.ledger!.state))
  t.equal(promoted?.proposal_id, id)
  t.strictSame(new Set(promoted?.signers), new Set([home.network.cast.ops.id, home.network.cast.sec[0].id, home.network.cast.sec[1].id]))
})

t.test('a red canary goes back at once', async t => {
  const home = new Home(t)
  await home.start()
  const id = await home.propose('policy', STRICT)
  await home.approve(id)
  await home.execute(id)
  home.reading = { ...home.reading, requests: 100, rejected: 50 }
  await home.pass(MINUTE)
  t.equal(home.engine.ledger?.proposals.get(id)?.stage, 'rolled-back')
  t.equal(home.parts.sections?.policy.profile, 'standard')
})

t.test('a red canary goes back also while the log takes nothing', async t => {
  const home = new Home(t)
  let fails: 'before' | 'never' = 'never'
  await home.start({ wrap: log => failing(log, () => fails) })
  const id = await home.propose('policy', STRICT)
  await home.approve(id)
  await home.execute(id)
  home.reading = { ...home.reading, isReady: false }
  fails = 'before'
  await home.pass(MINUTE)
  t.equal(home.parts.sections?.policy.profile, 'standard')
  t.equal(home.engine.ledger?.proposals.get(id)?.stage, 'canary', 'what the log does not hold has not happened')
})

t.test('what the log does not take has no effect', async t => {
  const home = new Home(t)
  let fails: 'before' | 'never' = 'never'
  await home.start({ wrap: log => failing(log, () => fails) })
  const before = home.engine.ledger
  fails = 'before'
  t.equal(await refusal(async () => await home.propose('policy', STRICT)), 'the disk is full')
  t.equal(home.engine.ledger, before)
  fails = 'never'
  t.equal(await refusal(async () => await home.propose('policy', STRICT)), 'accepted', 'and can be asked again')
})

t.test('an input that was logged but not adopted is adopted by the next start; one that was told again counts once', async t => {
  const home = new Home(t)
  let fails: 'after' | 'never' = 'never'
  await home.start({ wrap: log => failing(log, () => fails) })
  const envelope = home.network.proposal('policy', STRICT)
  fails = 'after'
  t.equal(await refusal(async () => await home.send(envelope)), 'killed')
  t.equal(home.engine.ledger?.proposals.size, 0)
  fails = 'never'
  const id = await home.send(envelope)
  await home.approve(id, 1)
  fails = 'after'
  t.equal(await refusal(async () => await home.send(home.network.about('approval', id, home.network.cast.sec[1]))), 'killed')
  fails = 'never'
  await home.restart()
  t.equal(home.engine.fault, undefined)
  t.equal(home.engine.ledger?.proposals.size, 1)
  t.equal(home.engine.ledger?.proposals.get(id)?.stage, 'approved')
})

t.test('a proposal lapses by itself after 24 h, also when the daemon was off meanwhile', async t => {
  const home = new Home(t)
  await home.start()
  const first = await home.propose('policy', STRICT)
  await home.pass(DAY - 1)
  t.equal(home.engine.ledger?.proposals.get(first)?.stage, 'review')
  await home.pass(1)
  t.equal(home.engine.ledger?.proposals.get(first)?.stage, 'lapsed')
  const second = await home.propose('policy', STRICT, { reason: 'again' })
  await home.stop()
  home.network.at += 25 * HOUR
  await home.start()
  t.equal(home.engine.ledger?.proposals.get(second)?.stage, 'lapsed')
})

t.test('an override and a freeze end by themselves, in effect and in the log', async t => {
  const home = new Home(t)
  await home.start()
  const override = await home.propose('overrides', { op: 'grant', override: { id: 'lab', kind: 'allow-peer', peer_id: PEER }, duration_ms: 2 * HOUR })
  await home.approve(override)
  await home.execute(override)
  const freeze = await home.propose('freezes', { op: 'freeze', scope: 'writes', duration_ms: HOUR }, { authority: 'emergency' })
  await home.approve(freeze, 3)
  await home.execute(freeze)
  t.equal(home.parts.sections?.freezes.active[0]?.scope, 'writes')
  t.equal(await home.value('svc_dht_governance_freezes'), 1)
  await home.pass(HOUR)
  t.strictSame(home.parts.sections?.freezes.active, [])
  t.equal(home.parts.sections?.overrides.active.length, 1)
  await home.pass(HOUR)
  t.strictSame(home.parts.sections?.overrides.active, [])
  t.strictSame((await home.entries()).map(({ action }) => action).slice(-2), ['freeze.thaw', 'override.end'])
  t.equal(await home.value('svc_dht_governance_obligations', { state: 'due' }), 2)
  await home.pass(DAY)
  t.equal(await home.value('svc_dht_governance_obligations', { state: 'overdue' }), 1)
})

t.test('an override of the TTL ends in the running parts at its time also while the clock is set back, and in the log at the next start', async t => {
  const home = new Home(t)
  await home.start()
  const override = await home.propose('overrides', { op: 'grant', override: { id: 'long', kind: 'provider-ttl', ttl_ms: 72 * HOUR }, duration_ms: 2 * HOUR })
  await home.approve(override)
  await home.execute(override)
  const ttlHours = (): number => liveSettings(home.parts.sections as Sections).providerTtl.ttl / HOUR
  t.equal(ttlHours(), 72)
  home.jumpMs = -DAY
  await home.pass(2 * HOUR - 1)
  t.equal(ttlHours(), 72)
  await home.pass(1)
  t.equal(ttlHours(), 24, 'the running parts have the TTL of before')
  t.notOk((await home.entries()).some(({ action }) => action === 'override.end'), 'while the time is not trusted nothing is decided')
  home.jumpMs = 0
  await home.restart()
  t.equal(ttlHours(), 24)
  t.equal((await home.entries()).at(-1)?.action, 'override.end')
})

t.test('a clock that is set forward ends an override no later, and makes none longer when it is set right', async t => {
  const home = new Home(t)
  await home.start()
  const override = await home.propose('overrides', { op: 'grant', override: { id: 'long', kind: 'provider-ttl', ttl_ms: 72 * HOUR }, duration_ms: 2 * HOUR })
  await home.approve(override)
  await home.execute(override)
  home.jumpMs = DAY
  await home.pass(MINUTE)
  t.strictSame(home.parts.sections?.overrides.active, [])
  home.jumpMs = 0
  await home.pass(2 * HOUR)
  t.strictSame(home.parts.sections?.overrides.active, [])
  t.equal((await home.entries()).at(-1)?.action, 'override.end', 'and no restart was needed')
})

t.test('an override ends by the timer of the engine, without anybody asking', async t => {
  const home = new Home(t)
  const shift = { ms: 0 }
  home.network.at = Date.now()
  await home.start({ clocks: { wall: () => Date.now() + shift.ms, monotonic: () => performance.now() + shift.ms } })
  const override = await home.propose('overrides', { op: 'grant', override: { id: 'long', kind: 'provider-ttl', ttl_ms: 72 * HOUR }, duration_ms: MINUTE })
  await home.approve(override)
  await home.execute(override)
  const endsAt = home.parts.sections?.overrides.active[0]?.ends_at ?? 0
  shift.ms = endsAt - Date.now() - 300
  await home.engine.tick() // the timer is set by what the clock says now
  t.equal(home.parts.sections?.overrides.active.length, 1)
  await until(() => home.parts.sections?.overrides.active.length === 0, 'the override has ended')
  await until(() => home.engine.ledger?.state.sections.overrides.active.length === 0, 'the log has it')
  t.ok(Date.now() + shift.ms >= endsAt, 'not before its time')
})

t.test('a freeze ends in effect also while the log takes nothing', async t => {
  const home = new Home(t)
  let fails: 'before' | 'never' = 'never'
  await home.start({ wrap: log => failing(log, () => fails) })
  const freeze = await home.propose('freezes', { op: 'freeze', scope: 'writes', duration_ms: HOUR }, { authority: 'emergency' })
  await home.approve(freeze, 3)
  await home.execute(freeze)
  fails = 'before'
  await home.pass(HOUR)
  t.strictSame(home.parts.sections?.freezes.active, [])
})

t.test('giving up post-quantum signatures waits for 24 h, over restarts, and no clock shortens it', async t => {
  const home = new Home(t, { isPq: true, sections: { pq: { require_on: true } } })
  await home.start()
  const id = await home.propose('pq', { op: 'set', values: { require_on: false } })
  t.equal(await home.value('pq_downgrade_attempt_total'), 1)
  t.equal(await home.value('pq_enforced'), 1)
  await home.approve(id)
  t.equal(await refusal(async () => await home.execute(id)), 'gov_window')
  t.equal(await home.value('pq_downgrade_attempt_total'), 2)
  home.jumpMs = 2 * DAY // the wall clock alone
  t.equal(await refusal(async () => await home.execute(id)), 'gov_clock')
  t.match(home.engine.reason(), /clock has jumped/)
  home.jumpMs = 0
  await home.pass(DAY - 1)
  await home.restart()
  t.equal(await refusal(async () => await home.execute(id)), 'gov_window')
  await home.pass(1)
  await home.execute(id)
  t.equal(home.engine.ledger?.proposals.get(id)?.stage, 'canary')
})

t.test('a clock that was set back over a restart is not believed', async t => {
  const home = new Home(t)
  await home.start()
  await home.propose('policy', STRICT)
  await home.pass(HOUR)
  await home.stop()
  home.jumpMs = -2 * HOUR
  await home.start()
  t.match(home.engine.reason(), /behind the time/)
  t.equal(await refusal(async () => await home.propose('policy', STRICT, { reason: 'again' })), 'gov_clock')
  home.jumpMs = 0
  await home.restart()
  t.equal(home.engine.reason(), undefined)
})

t.test('refused inputs change nothing, are counted, and a flood of them leaves a few entries', async t => {
  const home = new Home(t)
  await home.start()
  const ledger = home.engine.ledger
  for (let n = 0; n < 200; n++) t.equal(await refusal(async () => await home.engine.submit({ n })), 'gov_schema')
  t.equal(home.engine.ledger, ledger)
  t.equal(await home.value('governance_actions_total', { status: 'refused' }), 200)
  await home.pass(MINUTE)
  await home.restart()
  const refusals = (await home.entries()).filter(({ action }) => action === 'governance.refuse')
  t.equal(refusals.length, 9)
  t.strictSame(refusals.at(-1)?.event, { schema: 'svc-dht/governance/refusals/1', counts: { gov_schema: 192 } })
})

t.test('statements that come faster than they can be judged are refused', async t => {
  const home = new Home(t)
  await home.start()
  const outcomes = await Promise.all(Array.from({ length: 100 }, async () => await refusal(async () => await home.engine.submit({}))))
  t.equal(outcomes.filter(outcome => outcome === 'gov_limit').length, 36)
})

t.test('a dry run says what would happen, and does nothing', async t => {
  const home = new Home(t)
  await home.start()
  const before = home.engine.ledger
  t.equal(home.engine.check(home.network.proposal('policy', STRICT)).proposals.size, 1)
  t.equal(home.engine.ledger, before)
  t.equal((await home.entries()).length, 1)
})

t.test('an effect that fails is tried again, and said meanwhile', async t => {
  const home = new Home(t)
  await home.start()
  home.parts.failure = new Error('no such seed')
  const id = await home.propose('members', { op: 'set-mode', mode: 'observe' })
  await home.approve(id)
  await home.execute(id)
  t.match(home.engine.reason(), /not in force: no such seed/)
  home.parts.failure = undefined
  await home.pass(90_000)
  t.equal(home.engine.reason(), undefined)
  t.equal(home.parts.sections?.members.mode, 'observe')
  t.equal(home.parts.told.at(-1)?.length, 9, 'after a failure everything is told again')
})

t.test('a daemon without a genesis is not governed, and says so', async t => {
  const home = new Home(t)
  await home.start({ readGenesis: () => undefined })
  t.equal(home.engine.ledger, undefined)
  t.equal(home.engine.reason(), undefined)
  t.equal(await home.value('svc_dht_governance_governed'), 0)
  await t.rejects(home.engine.submit(home.network.proposal('policy', STRICT)), { code: 'NotFound' })
})
