import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { ControlAction } from '../../../src/core/control-action.ts'
import { DhtError } from '../../../src/core/errors.ts'
import { BanList } from '../../../src/discv5/protect/bans.ts'
import { canonicalSubject, type BanKeeper, type BanPorts } from '../../../src/http/admin/bans.ts'
import { only } from '../../patterns.ts'
import { fetchJson, NOW, startDaemon } from './fake-daemon.ts'

const NODE = 'ab'.repeat(32)
const REASON = { reason: 'floods us' }

/** The bans of the discv5 plane, and the order in which things happened. */
async function startKeeper (t: Test, overrides: Partial<BanPorts> = {}) {
  const list = new BanList()
  const steps: string[] = []
  const recorded: ControlAction[] = []
  const keeper: BanKeeper = {
    bans: () => list.list(NOW),
    assertBannable: subject => list.assertRoom(subject, NOW),
    ban: (subject, durationMs, reason) => { steps.push(`ban ${subject}`); list.add(subject, durationMs, reason, NOW) },
    unban: subject => { steps.push(`unban ${subject}`); return list.remove(subject) },
  }
  const actions = { record: async (action: ControlAction) => { steps.push('record'); recorded.push(action); return { seq: recorded.length, ts: NOW } } }
  const socket = await startDaemon(t, { bans: [{ plane: 'discv5', keeper }], actions, ...overrides })
  const post = async (body: unknown) => await fetchJson(socket, { method: 'POST', path: '/v1/bans', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
  const remove = async (subject: string, query = '') => await fetchJson(socket, { method: 'DELETE', path: `/v1/bans/${encodeURIComponent(subject)}${query}` })
  return { list, steps, recorded, post, remove, get: async () => await fetchJson(socket, { path: '/v1/bans' }) }
}

t.test('a ban is in the audit log before it holds, and so is its end', async t => {
  const { steps, recorded, post, remove, get } = await startKeeper(t)
  const ban = { plane: 'discv5', subject: '192.0.2.0/24', kind: 'prefix', reason: 'floods us', until: '2026-01-02T03:14:05.000Z' }
  t.strictSame(await post({ subject: '192.0.2.9/24', duration: '10m', ...REASON }), { status: 200, body: { bans: [ban] } })
  t.strictSame(await get(), { status: 200, body: { bans: [ban] } })
  t.strictSame(await remove('192.0.2.0/24', '?reason=sorry'), { status: 200, body: { removed: [ban] } })
  t.strictSame(await get(), { status: 200, body: { bans: [] } })
  t.strictSame(steps, ['record', 'ban 192.0.2.9/24', 'record', 'unban 192.0.2.0/24'])
  t.match(recorded, only(
    { action: 'ban.add', reason: 'floods us', afterDigest: /^b3:/, event: { subject: '192.0.2.9/24', until: ban.until } },
    { action: 'ban.remove', reason: 'sorry', beforeDigest: /^b3:/, event: { subject: '192.0.2.0/24' } },
  ))
})

t.test('a ban that has no place any more is refused and not recorded, and no other ends for it', async t => {
  const { list, steps, post } = await startKeeper(t)
  for (let i = 0; i < 10_000; i++) list.add(`11.${i >> 8}.${i & 255}.1`, 60_000, 'x', NOW)
  t.match(await post({ subject: '8.8.8.8', duration: '1m', ...REASON }), { status: 429, body: { error: { code: 'Backpressure', hint: /Lift some/ } } })
  t.strictSame(steps, [])
  t.equal(list.lasting(NOW).length, 10_000)
  t.match(await post({ subject: '11.0.0.1', duration: '1m', ...REASON }), { status: 200 }, 'who is banned already can be banned for longer')
  list.remove('11.0.0.1')
  t.match(await post({ subject: '8.8.8.8', duration: '1m', ...REASON }), { status: 200 })
})

t.test('what the protections banned is listed and lifted as well, however its subject is spelled', async t => {
  const { list, remove, get } = await startKeeper(t)
  list.add('2001:db8::1', 60_000, 'over its message limit', NOW)
  list.add(NODE, 60_000, 'x', NOW)
  t.match((await get()).body, { bans: only({ subject: '2001:db8::1', kind: 'ip', reason: 'over its message limit' }, { kind: 'node' }) })
  t.match(await remove('2001:0DB8:0::1'), { status: 200, body: { removed: only({ subject: '2001:db8::1' }) } })
  t.match(await remove(NODE.toUpperCase()), { status: 200 })
  t.equal(list.size, 0)
})

t.test('what is refused leaves no entry and no ban', async t => {
  const { steps, post, remove } = await startKeeper(t)
  for (const body of [
    {}, { subject: '192.0.2.1', ...REASON }, { subject: '192.0.2.1', duration: 600, ...REASON }, { subject: '192.0.2.1', duration: '10', ...REASON }, { subject: '192.0.2.1', duration: '999ms', ...REASON }, { subject: '192.0.2.1', duration: '366d', ...REASON },
    { subject: '192.0.2.1', duration: '1m' }, { subject: '192.0.2.1', duration: '1m', reason: ' ' }, { subject: '192.0.2.1', duration: '1m', reason: 'x'.repeat(201) }, { subject: '192.0.2.1', duration: '1m', ...REASON, plane: 'kad' },
    ...['', 'x', '192.0.2', '192.0.2.0/16', '192.0.2.0/24/24', '2001:db8::/48', '::ffff:192.0.2.1/64', 'fe80::1%eth0', NODE.slice(1)].map(subject => ({ subject, duration: '1m', ...REASON })),
  ]) t.match(await post(body), { status: 400, body: { error: { code: 'BadRequest' } } }, JSON.stringify(body).slice(0, 80))
  t.match(await remove('x'), { status: 400 })
  t.match(await remove('192.0.2.1'), { status: 404 })
  t.strictSame(steps, [])
})

t.test('a log that takes no entries keeps the ban from holding', async t => {
  const { list, steps, post, remove } = await startKeeper(t, { actions: { record: async () => { throw new DhtError('DegradedAudit', 'no') } } })
  t.match(await post({ subject: NODE, duration: '1m', ...REASON }), { status: 503, body: { error: { code: 'DegradedAudit' } } })
  list.add(NODE, 60_000, 'x', NOW)
  t.match(await remove(NODE), { status: 503 })
  t.strictSame([steps, list.size], [[], 1])
})

t.test('without a plane that keeps bans there are none, and none can be added', async t => {
  const { post, get, steps } = await startKeeper(t, { bans: [] })
  t.strictSame(await get(), { status: 200, body: { bans: [] } })
  t.match(await post({ subject: NODE, duration: '1m', ...REASON }), { status: 404 })
  t.strictSame(steps, [])
})

t.test('whatever is taken as a subject here the plane takes too, under a spelling that means the same', async t => {
  const list = new BanList()
  const ip = fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4().map(v4 => `::ffff:${v4}`))
  fc.assert(fc.property(fc.oneof(ip, ip.map(text => `${text}/24`), ip.map(text => `${text}/64`), fc.string()), text => {
    const canonical = canonicalSubject(text)
    if (canonical === undefined) return
    list.add(text, 60_000, 'x', NOW)
    t.ok(list.list(NOW).some(({ subject }) => canonicalSubject(subject) === canonical), text)
  }), { numRuns: 300 })
})
