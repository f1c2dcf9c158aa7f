import t from 'tap'
import { NO_RULES } from '../../../src/policy/policy.ts'
import { PolicyHolder } from '../../../src/policy/policy-holder.ts'
import { WriteGate } from '../../../src/policy/write-gate.ts'
import { fetchJson, NOW, PEER, startDaemon } from './fake-daemon.ts'

t.test('the policy in force is told with the beginning of long lists, and how long they are', async t => {
  const prefixes = Array.from({ length: 60 }, (_, index) => `10.0.${index}.0/24`)
  const policy = new PolicyHolder({ profile: 'strict', allow: { ...NO_RULES, countries: ['CH'] }, deny: { ...NO_RULES, prefixes } }, { sources: { asn: undefined, country: undefined }, onProfile: () => {} })
  const socket = await startDaemon(t, { policy, policySource: () => 'governance', writes: new WriteGate([{ kind: 'degraded', reason: () => 'disk swap' }]) })
  const { status, body } = await fetchJson(socket, { path: '/v1/policy' })
  t.equal(status, 200)
  t.match(body, { profile: 'strict', source: 'governance', only_allowed: true, unknown_origin: 'refuse', asks_origin: true, fault: /policy\.countryDatabase/ })
  const { deny, allow, databases, writes_stopped: stopped } = body as Record<string, never>
  t.strictSame(deny, { peers: { count: 0, first: [] }, prefixes: { count: 60, first: prefixes.slice(0, 50) }, asns: { count: 0, first: [] }, countries: { count: 0, first: [] } })
  t.match(allow, { countries: { count: 1 } })
  t.match(databases, { length: 1, 0: { kind: 'country', fault: /no database/ } })
  t.strictSame(stopped, [{ kind: 'degraded', reason: 'disk swap' }])
})

t.test('who is refused is told by which member of which list', async t => {
  const keeper = { bans: () => [{ subject: '192.0.2.0/24', kind: 'prefix' as const, reason: 'floods', until: NOW }, { subject: 'ab'.repeat(32), kind: 'node' as const, reason: 'x', until: NOW }], ban: () => {}, unban: () => false, assertBannable: () => {} }
  const socket = await startDaemon(t, { bans: [{ plane: 'discv5', keeper }], writes: new WriteGate([{ kind: 'frozen', reason: () => 'by quorum' }]) })
  const ask = async (query: string) => await fetchJson(socket, { path: `/v1/policy/test?${query}` })
  t.strictSame((await ask('ip=192.0.2.7')).body, {
    admitted: false,
    reason: 'policy_ip',
    match: { list: 'deny', kind: 'prefixes', member: '192.0.2.0/24' },
    profile: 'standard',
    bans: [{ subject: '192.0.2.0/24', until: '2026-01-02T03:04:05.000Z', reason: 'floods' }],
  })
  t.strictSame((await ask(`peer=${PEER}`)).body, { admitted: true, profile: 'standard', bans: [] })
  const { body } = await ask('ip=198.51.100.1&method=delete&path=/v1/providers/x?now=1')
  t.strictSame((body as { routes: unknown }).routes, [{ surface: 'admin', route: 'DELETE /v1/providers/:key', asks: 'provider:delete', stopped: 'frozen: by quorum' }])
  t.strictSame(((await ask('ip=::1&path=/readyz')).body as { routes: unknown }).routes, [{ surface: 'ops', route: 'GET /readyz', asks: 'public' }])
  t.strictSame(((await ask('ip=::1&path=/nothing')).body as { routes: unknown }).routes, [])
})

t.test('a question that names nobody, or is malformed, is refused with what to send', async t => {
  const socket = await startDaemon(t)
  for (const query of ['', 'path=/v1/status', 'ip=localhost', 'ip=10.0.0.0/8', 'ip=fe80::1%25lo', 'peer=x', 'ip=::1&path=v1', `ip=::1&path=/${'x'.repeat(5000)}`, 'ip=::1&ip=::2', 'who=me']) {
    const { status, body } = await fetchJson(socket, { path: `/v1/policy/test?${query}` })
    t.ok(status === 400 || status === 414, query.slice(0, 40))
    t.match(body, { error: { code: status === 400 ? 'BadRequest' : 'TooLarge' } })
    if (status === 400) t.match(body, { error: { hint: /\w/ } })
  }
})
