import { copyFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { SealedText } from '../../src/governance/sealed.ts'
import { Home } from './engines.ts'
import { HOUR } from './fixtures.ts'

const STRICT = { op: 'set', values: { mode: 'observe' } }
const OBSERVE = { op: 'set-mode', mode: 'observe' }

async function enact (home: Home, change: object = OBSERVE): Promise<void> {
  const id = await home.propose('members', change)
  await home.approve(id)
  await home.execute(id)
}

/** That a daemon trusts nothing: the last safe state without writes, not ready, and no input taken. */
async function assertRestricted (t: Test, home: Home, fault: string, mode = 'observe'): Promise<void> {
  t.equal(home.engine.fault?.fault, fault)
  t.match(home.engine.reason(), /last safe state/)
  t.equal(home.parts.sections?.members.mode, mode)
  t.equal(home.parts.sections?.freezes.active[0]?.scope, 'writes')
  t.equal(await home.value('svc_dht_governance_restricted'), 1)
  t.equal(await home.value('svc_dht_governance_integrity_failed_total', { fault }), 1)
  await t.rejects(home.engine.submit(home.network.proposal('policy', STRICT)), { code: 'DegradedAudit', reason: 'gov_restricted' })
}

t.test('an altered snapshot, or one of another daemon, is detected; without it the log restores everything', async t => {
  const home = new Home(t)
  await home.start()
  await enact(home)
  await home.stop()
  const file = join(home.folder, 'membership.snapshot')
  const text = readFileSync(file, 'utf8')
  for (const bad of [text.replace('observe', 'enforce'), text.slice(0, -10), '', '{}', 'x'.repeat(9_000_000)]) {
    writeFileSync(file, bad)
    await home.start()
    await assertRestricted(t, home, 'snapshot')
    await home.stop()
  }
  writeFileSync(file, text)
  await home.start({ sealed: new SealedText(Buffer.alloc(32, 8)) })
  t.equal(home.engine.fault?.fault, 'mark')
  await home.stop()
  rmSync(file)
  await home.start()
  t.equal(home.engine.reason(), undefined)
  t.equal(home.parts.sections?.members.mode, 'observe')
})

t.test('an older snapshot that is put back is detected, and is not what holds', async t => {
  const home = new Home(t)
  await home.start()
  await home.stop()
  const file = join(home.folder, 'membership.snapshot')
  copyFileSync(file, `${file}.old`)
  await home.start()
  await enact(home)
  await home.stop()
  copyFileSync(`${file}.old`, file)
  await home.start()
  await assertRestricted(t, home, 'snapshot')
})

t.test('an older log that is put back, with all that belongs to it, is detected by the mark; the snapshot holds', async t => {
  const home = new Home(t)
  await home.start()
  await home.stop()
  const audit = join(home.folder, 'audit')
  cpSync(audit, `${audit}.old`, { recursive: true })
  cpSync(`${audit}.mark`, `${audit}.mark.old`)
  await home.start()
  await enact(home)
  await home.stop()
  rmSync(audit, { recursive: true })
  cpSync(`${audit}.old`, audit, { recursive: true })
  cpSync(`${audit}.mark.old`, `${audit}.mark`)
  await home.start()
  await assertRestricted(t, home, 'log')
})

t.test('a log that is not as it was left: the snapshot holds', async t => {
  const home = new Home(t)
  await home.start()
  await enact(home)
  await home.stop()
  await home.start({ wrap: log => ({ record: async action => await log.record(action), reason: () => 'the audit log takes no entries: altered', entries: () => log.entries() }) })
  await assertRestricted(t, home, 'log')
})

t.test('an event of an unknown version, one that the rules refuse, another root and a missing input are detected; what came before holds', async t => {
  const home = new Home(t)
  await home.start()
  await enact(home)
  const good = await home.entries()
  await home.stop()
  rmSync(join(home.folder, 'membership.snapshot'))
  rmSync(join(home.folder, 'governance.mark'))
  const last = good.at(-1)!
  const event = last.event as { n: number }
  const cases = [
    ['schema', { ...last, event: { ...event, schema: 'svc-dht/governance/event/2' } }, 'off'],
    ['schema', { ...last, event: { ...event, extra: 1 } }, 'off'],
    ['refused', { ...last, event: { ...event, at: 0 } }, 'off'],
    ['root', { ...last, after_digest: '0'.repeat(64) }, 'off'],
    ['log', { ...last, event: { ...event, n: event.n + 1 } }, 'off'],
  ] as const
  for (const [fault, entry, mode] of cases) {
    async function * entries () { yield * [...good.slice(0, -1), entry] }
    await home.start({ wrap: log => ({ record: async action => await log.record(action), reason: () => undefined, entries }) })
    await assertRestricted(t, home, fault, mode)
    await home.stop()
  }
})

t.test('another genesis, or none, over a log that is governed is detected', async t => {
  const home = new Home(t)
  await home.start()
  await enact(home)
  await home.stop()
  const other = new Home(t, { isPq: true })
  await home.start({ readGenesis: () => other.genesis })
  t.equal(home.engine.fault?.fault, 'genesis')
  await home.stop()
  for (const readGenesis of [() => undefined, () => 'not JSON']) {
    await home.start({ readGenesis })
    t.equal(home.engine.fault?.fault, 'genesis')
    t.match(home.engine.reason(), /genesis/)
    await home.stop()
  }
})

t.test('a log is replayed in the time of a start', async t => {
  const inputs = Number(process.env['GOV_REPLAY'] ?? 90)
  const home = new Home(t)
  await home.start()
  for (let n = 0; n < inputs / 3; n++) {
    const id = await home.propose('members', { op: 'set-mode', mode: 'observe' }, { reason: `round ${n}`, expires_at: home.network.at + 2 * HOUR })
    await home.send(home.network.about('approval', id, home.network.cast.sec[0]))
    await home.send(home.network.about('veto', id, home.network.cast.sec[1]))
    home.network.at += 12 * HOUR
  }
  const { ledger } = home.engine
  const startedAt = performance.now()
  await home.restart()
  const ms = performance.now() - startedAt
  t.comment(`${home.engine.inputs} inputs in ${Math.round(ms)} ms`)
  t.equal(home.engine.ledger?.proposals.size, ledger?.proposals.size)
  t.ok(home.engine.inputs >= inputs)
  t.ok(ms < inputs * 5, 'at most 5 ms each')
})
