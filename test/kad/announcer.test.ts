import { mock } from 'node:test'
import t from 'tap'
import { Announcer } from '../../src/kad/announcer.ts'
import type { Published } from '../../src/kad/publisher.ts'
import { WriteGate } from '../../src/policy/write-gate.ts'
import { ProviderRecords } from '../../src/kad/provider/provider-records.ts'
import { MemoryProviderStore } from '../../src/kad/provider/store/memory.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { only } from '../patterns.ts'
import { addrsOf, bytesOf, HOUR_MS, keyOf, metricValue, MINUTE_MS, peerOf, silentLog, TestClock } from './fixtures.ts'

const SELF = bytesOf(peerOf('self'))
const TTL_MS = 24 * HOUR_MS
const UNLIMITED = { records: 1000, recordsPerPeer: 1000, recordsPerPrefix: 1000, recordsPerKey: 1000, addsPerPeerPerSecond: 1000, ttlMs: TTL_MS }

/** A network that takes what it is given, and remembers it. */
class FakePublisher {
  readonly published: string[] = []
  reached = 3
  /** What a test does while something is published. */
  during: () => void | Promise<void> = () => {}

  async publishProvider (key: Uint8Array): Promise<Published> {
    this.published.push(Buffer.from(key).toString('hex'))
    await this.during()
    return { reached: this.reached, attempted: 3 }
  }
}

interface Before { readonly key: Uint8Array, readonly provider: Uint8Array, readonly expiresAt: number }

function setUp ({ limit = 100, announcedBefore, alone }: { readonly limit?: number, readonly alone?: () => string | undefined, readonly announcedBefore?: () => Promise<readonly Before[]> } = {}) {
  const clock = new TestClock()
  const metrics = createMetrics()
  const publisher = new FakePublisher()
  const stop: { reason?: string } = {}
  const writes = new WriteGate([{ kind: 'frozen', reason: () => stop.reason }])
  const addresses = { own: addrsOf('/ip4/203.0.113.7/tcp/1') }
  const records = new ProviderRecords(UNLIMITED, { store: new MemoryProviderStore(), metrics: metrics.providers, now: clock.now })
  const announcer = new Announcer({ ttlMs: TTL_MS, maxTtlMs: 48 * HOUR_MS, republishPercent: 45, limit }, {
    self: SELF, addresses: () => addresses.own, records, publisher, alone, writes, announcedBefore, metrics: metrics.kad, log: silentLog, now: clock.now,
  })
  return { announcer, clock, publisher, records, metrics, addresses, stop }
}

const { signal } = new AbortController()
const KEY = keyOf('k')

t.test('a key is announced to others and held here', async t => {
  const { announcer, clock, publisher, records } = setUp()
  const { reached, attempted, created, expiresAt } = await announcer.announce(KEY, { signal })
  t.strictSame({ reached, attempted, created, expiresAt }, { reached: 3, attempted: 3, created: true, expiresAt: clock.time + TTL_MS })
  t.match(records.held(KEY), only({ provider: SELF, source: 'operator', expiresAt }))
  t.equal(publisher.published.length, 1)
})

t.test('with nobody to tell an announcement is refused with the reason, and nothing of it stays', async t => {
  const network: { why: string | undefined } = { why: 'no bootstrap peer answers' }
  const { announcer, publisher, records } = setUp({ alone: () => network.why })
  await t.rejects(announcer.announce(KEY, { signal }), { code: 'NotReady', message: /nobody to tell: no bootstrap peer answers/ })
  t.strictSame([announcer.size, records.held(KEY).length, publisher.published.length], [0, 0, 0])
  network.why = undefined
  const { expiresAt } = await announcer.announce(KEY, { signal, ttlMs: HOUR_MS })
  network.why = 'they are gone'
  await t.rejects(announcer.announce(KEY, { signal, ttlMs: 3 * HOUR_MS }), { code: 'NotReady' })
  t.match(records.held(KEY), only({ expiresAt }), 'what is announced keeps its time')
})

t.test('a repeat extends the time and never shortens it', async t => {
  const { announcer, clock, records } = setUp()
  const { expiresAt } = await announcer.announce(KEY, { signal, ttlMs: 2 * HOUR_MS })
  t.match(await announcer.announce(KEY, { signal, ttlMs: HOUR_MS }), { created: false, expiresAt })
  t.match(await announcer.announce(KEY, { signal, ttlMs: 3 * HOUR_MS }), { created: false, expiresAt: clock.time + 3 * HOUR_MS })
  t.match(records.held(KEY), only({ expiresAt: clock.time + 3 * HOUR_MS }))
  t.equal(announcer.size, 1)
})

t.test('a TTL is between a second and the cap', async t => {
  const { announcer } = setUp()
  for (const ttlMs of [999, 0, -1, Number.NaN, 48 * HOUR_MS + 1]) {
    await t.rejects(announcer.announce(KEY, { signal, ttlMs }), { code: 'BadRequest', message: 'A TTL is between 1s and 48h.' }, String(ttlMs))
  }
  t.equal(announcer.size, 0)
  await announcer.announce(KEY, { signal, ttlMs: 48 * HOUR_MS })
})

t.test('so many keys are announced; one that is already may be repeated', async t => {
  const { announcer } = setUp({ limit: 1 })
  await announcer.announce(KEY, { signal })
  await t.rejects(announcer.announce(keyOf('other'), { signal }), { code: 'Backpressure', hint: /providers.announced/ })
  await announcer.announce(KEY, { signal })
})

t.test('without an address that others may dial nothing is announced', async t => {
  const { announcer, addresses, publisher } = setUp()
  addresses.own = []
  await t.rejects(announcer.announce(KEY, { signal }), { code: 'NotReady', hint: /kad.announce/ })
  t.equal(announcer.size, 0)
  t.strictSame(publisher.published, [])
})

t.test('an announcement is repeated at 45 % of the TTL, and again', async t => {
  const { announcer, clock, publisher } = setUp()
  await announcer.announce(KEY, { signal, ttlMs: 48 * HOUR_MS })
  clock.advance(0.45 * TTL_MS - 1)
  await announcer.repeatDue()
  t.equal(publisher.published.length, 1)
  clock.advance(1)
  await announcer.repeatDue()
  await announcer.repeatDue()
  t.equal(publisher.published.length, 2)
  clock.advance(0.45 * TTL_MS)
  await announcer.repeatDue()
  t.equal(publisher.published.length, 3)
})

t.test('an announcement that reached nobody is repeated after a minute', async t => {
  const { announcer, clock, publisher } = setUp()
  publisher.reached = 0
  await announcer.announce(KEY, { signal })
  clock.advance(MINUTE_MS - 1)
  await announcer.repeatDue()
  t.equal(publisher.published.length, 1)
  clock.advance(1)
  await announcer.repeatDue()
  t.equal(publisher.published.length, 2)
})

t.test('a repeat that fails is tried again, and does not keep others from theirs', async t => {
  const { announcer, clock, publisher } = setUp()
  for (const name of [1, 2, 3]) await announcer.announce(keyOf(name), { signal })
  publisher.during = () => { throw new Error('no network') }
  clock.advance(0.45 * TTL_MS)
  await announcer.repeatDue()
  t.equal(publisher.published.length, 6)
  publisher.during = () => {}
  clock.advance(MINUTE_MS)
  await announcer.repeatDue()
  t.equal(publisher.published.length, 9)
})

t.test('a repeat tells the addresses of now', async t => {
  const { announcer, clock, records, addresses } = setUp()
  await announcer.announce(KEY, { signal })
  addresses.own = addrsOf('/ip4/198.51.100.1/tcp/1')
  clock.advance(0.45 * TTL_MS)
  await announcer.repeatDue()
  t.strictSame(records.held(KEY)[0]?.addrs, addresses.own)
})

t.test('an announcement ends with its TTL', async t => {
  const { announcer, clock, publisher, records } = setUp()
  await announcer.announce(KEY, { signal, ttlMs: HOUR_MS })
  clock.advance(HOUR_MS)
  await announcer.repeatDue()
  t.equal(announcer.size, 0)
  t.equal(records.size, 0)
  t.equal(publisher.published.length, 1)
})

t.test('a withdrawal ends it here at once and tells until when others may name us', async t => {
  const { announcer, clock, records } = setUp()
  await announcer.announce(KEY, { signal })
  const until = clock.time + TTL_MS
  clock.advance(HOUR_MS)
  t.equal(await announcer.withdraw(KEY), until)
  t.strictSame(records.held(KEY), [])
  t.equal(await announcer.withdraw(KEY), undefined)
})

t.test('what was never taken by anybody is forgotten by everybody at once', async t => {
  const { announcer, clock, publisher } = setUp()
  publisher.reached = 0
  await announcer.announce(KEY, { signal })
  t.equal(await announcer.withdraw(KEY), clock.time)
})

t.test('what is withdrawn while others are repeated does not come back', async t => {
  const { announcer, clock, publisher, records } = setUp()
  for (let name = 0; name < 10; name++) await announcer.announce(keyOf(name), { signal })
  clock.advance(0.45 * TTL_MS)
  publisher.during = async () => {
    publisher.during = () => {}
    for (let name = 0; name < 10; name++) await announcer.withdraw(keyOf(name))
  }
  await announcer.repeatDue()
  t.equal(records.size, 0)
  t.equal(announcer.size, 0)
})

t.test('the metric tells how many keys are announced', async t => {
  const { announcer, metrics } = setUp()
  await announcer.announce(KEY, { signal })
  t.equal(await metricValue(metrics, 'svc_dht_kad_announced_keys'), 1)
  await announcer.withdraw(KEY)
  t.equal(await metricValue(metrics, 'svc_dht_kad_announced_keys'), 0)
})

t.test('it looks for what is due every few seconds, one round at a time', async t => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const { announcer, clock, publisher } = setUp()
  await announcer.start()
  await announcer.announce(KEY, { signal })
  await announcer.announce(keyOf('other'), { signal })
  clock.advance(0.45 * TTL_MS)
  const taken = Promise.withResolvers<void>()
  publisher.during = async () => { await taken.promise }
  mock.timers.tick(5000)
  clock.advance(MINUTE_MS)
  mock.timers.tick(5000)
  t.equal(publisher.published.length, 4, 'the second round waits for the first')
  taken.resolve()
  await announcer.stop()
})

t.test('it stops as often as asked, and repeats nothing afterwards', async t => {
  const { announcer, clock, publisher } = setUp()
  await announcer.start()
  await announcer.announce(KEY, { signal })
  await announcer.stop()
  await announcer.stop()
  clock.advance(0.45 * TTL_MS)
  await announcer.repeatDue()
  t.equal(publisher.published.length, 1)
})

t.test('what was announced before a restart is announced again at once, until its time is over', async t => {
  const now = new TestClock().now()
  const { announcer, clock, publisher, records, metrics } = setUp({
    announcedBefore: async () => [{ key: KEY, provider: SELF, expiresAt: now + 48 * HOUR_MS }, { key: keyOf('over'), provider: SELF, expiresAt: now }],
  })
  await announcer.start()
  t.teardown(async () => await announcer.stop())
  await new Promise(resolve => setImmediate(resolve))
  t.strictSame(publisher.published, [Buffer.from(KEY).toString('hex')])
  t.match(records.held(KEY), only({ provider: SELF, source: 'operator', expiresAt: now + 48 * HOUR_MS }))
  t.equal(await metricValue(metrics, 'svc_dht_kad_announced_keys'), 1)
  clock.advance(0.45 * TTL_MS)
  await announcer.repeatDue()
  t.equal(publisher.published.length, 2)
  t.ok(await announcer.withdraw(KEY))
  t.strictSame(records.held(KEY), [])
})

t.test('under another peer ID than before it announces itself, and the record of the old one goes', async t => {
  const old = bytesOf(peerOf('who we were'))
  const disk = Promise.withResolvers<readonly Before[]>()
  const { announcer, clock, records } = setUp({ announcedBefore: async () => await disk.promise })
  const expiresAt = clock.time + HOUR_MS
  records.hold({ key: KEY, provider: old, addrs: addrsOf('/ip4/203.0.113.7/tcp/1'), prefix: undefined }, expiresAt)
  await announcer.start()
  t.teardown(async () => await announcer.stop())
  disk.resolve([{ key: KEY, provider: old, expiresAt }])
  await new Promise(resolve => setImmediate(resolve))
  t.match(records.held(KEY), only({ provider: SELF, expiresAt }))
  t.equal(records.held(KEY).length, 1)
})

t.test('of what was announced before no more is taken up than may be announced, and nothing when it has stopped', async t => {
  const before = async (): Promise<readonly Before[]> => ['a', 'b', 'c'].map(name => ({ key: keyOf(name), provider: SELF, expiresAt: new TestClock().now() + HOUR_MS }))
  const full = setUp({ limit: 2, announcedBefore: before })
  await full.announcer.start()
  t.teardown(async () => await full.announcer.stop())
  await new Promise(resolve => setImmediate(resolve))
  t.equal(full.announcer.size, 2)

  const disk = Promise.withResolvers<void>()
  const stopped = setUp({ announcedBefore: async () => await disk.promise.then(before) })
  await stopped.announcer.start()
  await stopped.announcer.stop()
  disk.resolve()
  await new Promise(resolve => setImmediate(resolve))
  t.strictSame(stopped.publisher.published, [])
})

t.test('under a shorter TTL announcements are repeated sooner, and keep the time the operator asked for', async t => {
  const { announcer, clock, publisher, records } = setUp()
  const { expiresAt } = await announcer.announce(KEY, { signal })
  announcer.apply({ ttlMs: 2 * HOUR_MS, maxTtlMs: 2 * HOUR_MS })
  t.match(records.held(KEY), only({ expiresAt }))
  await t.rejects(announcer.announce(keyOf('other'), { signal, ttlMs: 3 * HOUR_MS }), { code: 'BadRequest', message: 'A TTL is between 1s and 2h.' })
  clock.advance(0.45 * 2 * HOUR_MS - 1)
  await announcer.repeatDue()
  t.equal(publisher.published.length, 1)
  clock.advance(1)
  await announcer.repeatDue()
  t.equal(publisher.published.length, 2)
})

t.test('a longer TTL does not put off what others are about to forget', async t => {
  const { announcer, clock, publisher } = setUp()
  await announcer.announce(KEY, { signal })
  announcer.apply({ ttlMs: 48 * HOUR_MS, maxTtlMs: 48 * HOUR_MS })
  clock.advance(0.45 * TTL_MS)
  await announcer.repeatDue()
  t.equal(publisher.published.length, 2)
})

t.test('while writes are refused nothing is announced, and what is due is repeated when they are taken again', async t => {
  const { announcer, clock, publisher, stop, records } = setUp()
  await announcer.announce(KEY, { signal })
  stop.reason = 'Frozen.'
  await t.rejects(announcer.announce(keyOf('other'), { signal }), { code: 'NotReady', reason: 'frozen' })
  t.equal(announcer.size, 1)
  clock.advance(0.45 * TTL_MS)
  await announcer.repeatDue()
  t.equal(publisher.published.length, 1)
  t.equal(records.held(KEY).length, 1, 'what is held stays')
  delete stop.reason
  await announcer.repeatDue()
  t.equal(publisher.published.length, 2)
})

t.test('an announcement can be withdrawn, and ends, while writes are refused', async t => {
  const { announcer, clock, stop } = setUp()
  for (const name of [1, 2]) await announcer.announce(keyOf(name), { signal })
  stop.reason = 'Frozen.'
  t.ok(await announcer.withdraw(keyOf(1)))
  clock.advance(TTL_MS)
  await announcer.repeatDue()
  t.equal(announcer.size, 0)
})
