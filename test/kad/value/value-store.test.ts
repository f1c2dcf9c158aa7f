import t from 'tap'
import { ValueStore } from '../../../src/kad/value/value-store.ts'
import { decodeValueRecord } from '../../../src/kad/value/value-record.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { only } from '../../patterns.ts'
import { HOUR_MS, metricValue, MINUTE_MS, SECOND_MS, TestClock } from '../fixtures.ts'
import { IpnsOwner, publicKeyValue, REAL_NOW } from './values.ts'

const owner = await IpnsOwner.create()

function setUp (limits: { readonly records?: number, readonly recordsPerPeer?: number } = {}) {
  const clock = new TestClock(REAL_NOW)
  const metrics = createMetrics()
  const store = new ValueStore({ records: 100, recordsPerPeer: 100, ttlMs: 48 * HOUR_MS, ...limits }, { metrics: metrics.kad, now: clock.now })
  return { store, clock, metrics }
}

async function fill (store: ValueStore, count: number, from: string): Promise<void> {
  for (let index = 0; index < count; index++) {
    const { key, value } = await publicKeyValue()
    await store.put(key, value, from)
  }
}

t.test('a value comes back as it was put, and as the record that GET_VALUE carries', async t => {
  const { store } = setUp()
  const value = await owner.record(1)
  await store.put(owner.key, value, 'a')
  t.strictSame(store.get(owner.key), Uint8Array.from(value))
  t.strictSame(decodeValueRecord(store.getRecord(owner.key) ?? new Uint8Array(0)).value, Uint8Array.from(value))
  t.equal(store.get((await publicKeyValue()).key), undefined)
})

t.test('what was put is a copy', async t => {
  const { store } = setUp()
  const value = await owner.record(1)
  const view = Uint8Array.from(value)
  await store.put(owner.key, view, 'a')
  view.fill(0)
  t.strictSame(store.get(owner.key), Uint8Array.from(value))
})

t.test('a newer value replaces an older one, an older one never a newer', async t => {
  const { store } = setUp()
  const [older, newer] = [await owner.record(1), await owner.record(2)]
  await store.put(owner.key, older, 'a')
  await store.put(owner.key, newer, 'b')
  await t.rejects(store.put(owner.key, older, 'a'), { code: 'Conflict', reason: 'stale' })
  t.strictSame(store.get(owner.key), Uint8Array.from(newer))
  t.equal(store.size, 1)
})

t.test('the same value again is no error', async t => {
  const { store } = setUp()
  const value = await owner.record(1)
  await store.put(owner.key, value, 'a')
  await store.put(owner.key, value, 'b')
  t.equal(store.size, 1)
})

t.test('of values put at the same time the newest stays, in whatever order they come', async t => {
  const { store } = setUp()
  const sequences = [3, 1, 5, 2, 4]
  const values = await Promise.all(sequences.map(async sequence => await owner.record(sequence)))
  const outcomes = await Promise.allSettled(values.map(async value => await store.put(owner.key, value, 'a')))
  t.strictSame(outcomes.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'rejected'])
  t.strictSame(store.get(owner.key), Uint8Array.from(values[2] ?? []))
})

t.test('a value that is refused does not hold up the next one of its key', async t => {
  const { store } = setUp()
  const bad = store.put(owner.key, Buffer.from('bad'), 'a')
  const good = store.put(owner.key, await owner.record(1), 'a')
  await t.rejects(bad, { code: 'BadRequest', reason: 'record' })
  await good
  t.equal(store.size, 1)
})

t.test('a value is served until it ends by itself', async t => {
  const { store, clock } = setUp()
  await store.put(owner.key, await owner.record(1, new Date(REAL_NOW + HOUR_MS).toISOString()), 'a')
  clock.advance(HOUR_MS - 1)
  t.ok(store.get(owner.key))
  clock.advance(1)
  t.equal(store.get(owner.key), undefined)
  t.equal(store.getRecord(owner.key), undefined)
})

t.test('a value that says nothing of an end is served for the TTL', async t => {
  const { store, clock } = setUp()
  const { key, value } = await publicKeyValue()
  await store.put(key, value, 'a')
  clock.advance(48 * HOUR_MS - 1)
  t.ok(store.get(key))
  clock.advance(1)
  t.equal(store.get(key), undefined)
})

t.test('once a value has ended an older one may come', async t => {
  const { store, clock } = setUp()
  await store.put(owner.key, await owner.record(2, new Date(REAL_NOW + MINUTE_MS).toISOString()), 'a')
  clock.advance(MINUTE_MS)
  await store.put(owner.key, await owner.record(1), 'a')
  t.ok(store.get(owner.key))
  t.equal(store.size, 1)
})

t.test('one peer may store so many values, and replace its own at that', async t => {
  const { store } = setUp({ recordsPerPeer: 2 })
  await store.put(owner.key, await owner.record(1), 'a')
  await fill(store, 1, 'a')
  await t.rejects(fill(store, 1, 'a'), { code: 'Backpressure', reason: 'quota_values' })
  await store.put(owner.key, await owner.record(2), 'a')
  await fill(store, 2, 'b')
  await t.rejects(store.put(owner.key, await owner.record(3), 'b'), { code: 'Backpressure', reason: 'quota_values' }, 'not another’s, when it is full')
})

t.test('a value counts against who stored it last', async t => {
  const { store } = setUp({ recordsPerPeer: 1 })
  await store.put(owner.key, await owner.record(1), 'a')
  await store.put(owner.key, await owner.record(2), 'b')
  await fill(store, 1, 'a')
  await t.rejects(fill(store, 1, 'b'), { code: 'Backpressure' })
})

t.test('a full store still replaces, and takes more when something ended', async t => {
  const { store, clock } = setUp({ records: 2 })
  await store.put(owner.key, await owner.record(1, new Date(REAL_NOW + MINUTE_MS).toISOString()), 'a')
  await fill(store, 1, 'b')
  await t.rejects(fill(store, 1, 'c'), { code: 'Backpressure', reason: 'quota_values' })
  await store.put(owner.key, await owner.record(2, new Date(REAL_NOW + MINUTE_MS).toISOString()), 'd')
  clock.advance(MINUTE_MS + SECOND_MS)
  await fill(store, 1, 'c')
  t.equal(store.size, 2)
})

t.test('a value replaced many times leaves one, that ends as the last one says', async t => {
  const { store, clock } = setUp()
  for (let sequence = 0; sequence < 50; sequence++) {
    await store.put(owner.key, await owner.record(sequence, new Date(REAL_NOW + (sequence + 1) * MINUTE_MS).toISOString()), 'a')
  }
  t.equal(store.size, 1)
  clock.advance(49 * MINUTE_MS)
  t.ok(store.get(owner.key))
  clock.advance(MINUTE_MS + SECOND_MS)
  t.equal(store.get(owner.key), undefined)
  t.equal(store.size, 0)
})

t.test('the metric tells how many values are held', async t => {
  const { store, clock, metrics } = setUp()
  await fill(store, 3, 'a')
  t.equal(await metricValue(metrics, 'svc_dht_kad_values'), 3)
  clock.advance(49 * HOUR_MS)
  store.get(owner.key)
  t.equal(await metricValue(metrics, 'svc_dht_kad_values'), 0)
})

t.test('so many values may wait for validation', async t => {
  const { store } = setUp()
  const value = await owner.record(1)
  const outcomes = await Promise.allSettled(Array.from({ length: 1025 }, async () => await store.put(owner.key, value, 'a')))
  const refused = outcomes.filter(outcome => outcome.status === 'rejected')
  t.match(refused, only({ reason: { code: 'Backpressure', reason: 'quota_values' } }))
  t.equal(refused.length, 1)
})

t.test('values of removed peers go, and their places with them', async t => {
  const { store, metrics, clock } = setUp({ records: 3 })
  await fill(store, 2, 'a')
  await store.put(owner.key, await owner.record(1), 'b')
  t.equal(await store.removeFrom({ has: from => from === 'a', hasBytes: () => false }), 2)
  t.equal(store.size, 1)
  t.equal(await metricValue(metrics, 'svc_dht_kad_values'), 1)
  t.ok(store.get(owner.key))
  await fill(store, 2, 'a')
  clock.advance(49 * HOUR_MS)
  t.equal(store.get(owner.key), undefined)
  t.equal(store.size, 0, 'the rest expires as before')
})

t.test('lower limits refuse what is new and keep what is held', async t => {
  const { store } = setUp()
  await fill(store, 3, 'a')
  store.apply({ records: 2, recordsPerPeer: 2, ttlMs: HOUR_MS })
  t.equal(store.size, 3)
  const { key, value } = await publicKeyValue()
  await t.rejects(store.put(key, value, 'b'), { code: 'Backpressure', reason: 'quota_values' })
})
