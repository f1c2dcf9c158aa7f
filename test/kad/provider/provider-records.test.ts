import { mock } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { ProviderRecords, type Claim } from '../../../src/kad/provider/provider-records.ts'
import { MemoryProviderStore } from '../../../src/kad/provider/store/memory.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { only } from '../../patterns.ts'
import { addrsOf, bytesOf, HOUR_MS, keyOf, metricValue, peerOf, SECOND_MS, TestClock } from '../fixtures.ts'

const LIMITS = { records: 1000, recordsPerPeer: 100, recordsPerPrefix: 500, recordsPerKey: 50, addsPerPeerPerSecond: 100, ttlMs: HOUR_MS }
const PREFIX = '203.0.113.0/24'

function setUp (limits: Partial<typeof LIMITS> = {}) {
  const clock = new TestClock()
  const metrics = createMetrics()
  const records = new ProviderRecords({ ...LIMITS, ...limits }, { store: new MemoryProviderStore(), metrics: metrics.providers, now: clock.now })
  return { records, clock, metrics }
}

function claim (key: string | number, peer: string | number, prefix: string | undefined = PREFIX): Claim {
  return { key: keyOf(key), provider: bytesOf(peerOf(peer)), addrs: addrsOf('/ip4/203.0.113.7/tcp/1'), prefix }
}

t.test('an announcement is held for the TTL', async t => {
  const { records, clock } = setUp()
  t.equal(records.announce(claim('k', 'a')), 'created')
  t.match(records.held(keyOf('k')), only({ receivedAt: clock.time, expiresAt: clock.time + HOUR_MS, source: 'rpc', prefix: PREFIX }))
  clock.advance(HOUR_MS)
  t.strictSame(records.held(keyOf('k')), [])
})

t.test('a repeat extends the time', async t => {
  const { records, clock } = setUp()
  records.announce(claim('k', 'a'))
  clock.advance(HOUR_MS / 2)
  t.equal(records.announce(claim('k', 'a')), 'refreshed')
  t.match(records.held(keyOf('k')), only({ expiresAt: clock.time + HOUR_MS }))
  t.equal(records.size, 1)
})

t.test('each quota refuses what is new with its name and a time to come back', async t => {
  for (const [limits, reason] of [
    [{ recordsPerPeer: 1 }, 'quota_peer'], [{ recordsPerPrefix: 1 }, 'quota_prefix'], [{ records: 1 }, 'quota_total'],
  ] as const) {
    const { records } = setUp(limits)
    records.announce(claim('k', 'a'))
    t.throws(() => records.announce(claim('other', 'a')), { code: 'Backpressure', reason, retryAfterMs: 60_000 })
    t.equal(records.size, 1)
  }
  const { records } = setUp({ recordsPerKey: 1 })
  records.announce(claim('k', 'a'))
  t.throws(() => records.announce(claim('k', 'b')), { code: 'Backpressure', reason: 'quota_key' })
})

t.test('a full key keeps who it has, and takes their refreshes', async t => {
  const { records } = setUp({ records: 2, recordsPerPeer: 1, recordsPerPrefix: 2, recordsPerKey: 2 })
  records.announce(claim('k', 'a'))
  records.announce(claim('k', 'b'))
  t.throws(() => records.announce(claim('k', 'c')), { code: 'Backpressure' })
  t.equal(records.announce(claim('k', 'a')), 'refreshed')
  t.equal(records.held(keyOf('k')).length, 2)
})

t.test('what expired makes room again', async t => {
  const { records, clock } = setUp({ recordsPerPeer: 1 })
  records.announce(claim('k', 'a'))
  clock.advance(HOUR_MS + SECOND_MS)
  records.removeExpired()
  t.equal(records.announce(claim('other', 'a')), 'created')
})

t.test('a peer that announces too often is refused, refreshes included', async t => {
  const { records, clock } = setUp({ addsPerPeerPerSecond: 1 })
  for (let count = 0; count < 4; count++) records.announce(claim('k', 'a'))
  t.throws(() => records.announce(claim('k', 'a')), { code: 'Backpressure', reason: 'rate', retryAfterMs: 1000 })
  records.announce(claim('k', 'b'))
  clock.advance(SECOND_MS)
  t.equal(records.announce(claim('k', 'a')), 'refreshed')
})

t.test('what the operator announces knows the total quota only', async t => {
  const { records, clock } = setUp({ records: 2, recordsPerPeer: 0, recordsPerPrefix: 0, recordsPerKey: 0, addsPerPeerPerSecond: 1 })
  const until = clock.time + 2 * HOUR_MS
  for (const key of [1, 2]) t.equal(records.hold(claim(key, 'self'), until), 'created')
  t.throws(() => records.hold(claim(3, 'self'), until), { code: 'Backpressure', reason: 'quota_total' })
  t.equal(records.hold(claim(1, 'self'), until), 'refreshed')
  t.match(records.held(keyOf(1)), only({ source: 'operator', expiresAt: until }))
  t.ok(records.withdraw(keyOf(1), bytesOf(peerOf('self'))))
  t.notOk(records.withdraw(keyOf(1), bytesOf(peerOf('self'))))
})

t.test('every provider comes first now and then', async t => {
  const { records } = setUp()
  for (let peer = 0; peer < 5; peer++) records.announce(claim('k', peer))
  const firsts = new Set<string>()
  for (let round = 0; round < 500; round++) {
    const shuffled = records.shuffled(keyOf('k')).map(({ provider }) => Buffer.from(provider).toString('hex'))
    if (new Set(shuffled).size !== 5) t.fail('each provider is told once')
    firsts.add(shuffled[0] ?? '')
  }
  t.equal(firsts.size, 5)
})

t.test('the usage of a peer and of a prefix is told', async t => {
  const { records } = setUp({ addsPerPeerPerSecond: 1 })
  records.announce(claim(1, 'a'))
  records.announce(claim(2, 'a'))
  t.strictSame(records.usage(bytesOf(peerOf('a'))), { records: 2, available: 2 })
  t.strictSame(records.usage(bytesOf(peerOf('b'))), { records: 0, available: 4 })
  t.equal(records.usageOfPrefix(PREFIX), 2)
  t.strictSame([records.size, records.keys], [2, 2])
  t.strictSame(records.addressesOf(bytesOf(peerOf('a'))), claim(1, 'a').addrs)
  t.match(records.limits, { records: 1000, addsPerPeerPerSecond: 1 })
})

t.test('metrics tell what is held, what came and what went', async t => {
  const { records, clock, metrics } = setUp()
  records.announce(claim(1, 'a'))
  records.announce(claim(1, 'b'))
  records.announce(claim(1, 'b'))
  records.removeExpired()
  t.equal(await metricValue(metrics, 'svc_dht_provider_records'), 2)
  t.equal(await metricValue(metrics, 'svc_dht_provider_keys'), 1)
  t.equal(await metricValue(metrics, 'svc_dht_provider_upserts_total', 'result="created"'), 2)
  t.equal(await metricValue(metrics, 'svc_dht_provider_upserts_total', 'result="refreshed"'), 1)
  clock.advance(2 * HOUR_MS)
  t.ok(records.expiryLagMs > HOUR_MS - SECOND_MS)
  records.removeExpired()
  t.equal(await metricValue(metrics, 'svc_dht_provider_records'), 0)
  t.equal(await metricValue(metrics, 'svc_dht_provider_expired_total'), 2)
  t.equal(await metricValue(metrics, 'svc_dht_provider_expiry_lag_seconds'), 0)
})

t.test('what expired together is removed in batches, with turns for others between them', async t => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const { records, clock } = setUp({ records: 1e6, recordsPerPeer: 1e6, addsPerPeerPerSecond: 1e6 })
  await records.start()
  for (let key = 0; key < 25_000; key++) records.hold(claim(key, 'self'), clock.time + HOUR_MS)
  clock.advance(HOUR_MS + SECOND_MS)
  mock.timers.tick(500)
  let turns = 0
  for (; records.size > 0 && turns < 1000; turns++) await nextTurn()
  t.equal(records.size, 0)
  t.ok(turns > 0)
  await records.stop()
})

t.test('it stops as often as asked', async () => {
  const { records } = setUp()
  await records.start()
  await records.stop()
  await records.stop()
})
