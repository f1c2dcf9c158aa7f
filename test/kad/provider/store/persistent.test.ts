import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { Announcement } from '../../../../src/kad/provider/record.ts'
import { MemoryProviderStore } from '../../../../src/kad/provider/store/memory.ts'
import { only } from '../../../patterns.ts'
import { addrsOf, bytesOf, HOUR_MS, keyOf, metricValue, MINUTE_MS, peerOf, SECOND_MS, TestClock } from '../../fixtures.ts'
import { FakeJournal } from './fake-journal.ts'
import { createStore, eventually, inlineJournal, numbered, startStore, tempFile, threadJournal } from './persistent-stores.ts'
import { providerStoreSuite } from './suite.ts'

providerStoreSuite(t, async t => {
  const { store, settled } = await startStore(t, { journal: inlineJournal(tempFile(t)) })
  await settled()
  return store
})

const UNAVAILABLE = { name: 'DhtError', code: 'StoreUnavailable', reason: 'store', retryAfterMs: 5000 }

/** A store that has settled over a fake journal. */
async function setUp (t: Test, options: { readonly pendingRecords?: number, readonly drainTimeoutMs?: number } = {}) {
  const journal = new FakeJournal()
  const persistent = await startStore(t, { journal, ...options })
  await persistent.settled()
  return { journal, ...persistent, announce: (number: number) => persistent.store.upsert(numbered(number, persistent.clock.now())) }
}

t.test('what was announced is there after a restart, with all that was said of it', async t => {
  const file = tempFile(t)
  const clock = new TestClock()
  const said: Announcement[] = [
    numbered(1, clock.now()),
    numbered(2, clock.now(), { source: 'operator', prefix: undefined, addrs: addrsOf('/ip4/192.0.2.1/tcp/1', '/dns4/dht.example.org/tcp/2') }),
    numbered(3, clock.now(), { key: Uint8Array.of(0, 0), addrs: [] }),
  ]
  const first = await startStore(t, { journal: threadJournal(file), clock })
  await first.settled()
  for (const announcement of said) first.store.upsert(announcement)
  await first.store.stop()

  const { store, settled } = await startStore(t, { journal: threadJournal(file), clock })
  await settled()
  t.equal(store.size, said.length)
  for (const { key, ...record } of said) {
    const [held] = store.get(key, clock.now())
    t.same({ ...held, provider: [...held?.provider ?? []], addrs: held?.addrs.map(addr => [...addr]) }, { ...record, provider: [...record.provider], addrs: record.addrs.map(addr => [...addr]) })
  }
})

t.test('addresses that a record brought outlast it, if it never was on disk', async t => {
  const file = tempFile(t)
  const clock = new TestClock()
  const first = await startStore(t, { journal: inlineJournal(file), clock })
  await first.settled()
  first.store.upsert(numbered(1, clock.now(), { addrs: addrsOf('/ip4/192.0.2.1/tcp/1') }))
  await first.settled()
  first.store.upsert(numbered(11, clock.now(), { addrs: addrsOf('/ip4/192.0.2.1/tcp/2') })) // of the same provider
  first.store.remove(keyOf(11), bytesOf(peerOf(1)))
  await first.store.stop()

  const { store, settled } = await startStore(t, { journal: inlineJournal(file), clock })
  await settled()
  t.same(store.get(keyOf(1), clock.now())[0]?.addrs, addrsOf('/ip4/192.0.2.1/tcp/2'))
})

t.test('after any history of changes and restarts the disk says what the index said', async t => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('announce' as const), number: fc.nat({ max: 12 }), ttlMs: fc.integer({ min: 1, max: 20 * SECOND_MS }) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('withdraw' as const), number: fc.nat({ max: 12 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 8 * SECOND_MS }) }) },
    { weight: 2, arbitrary: fc.constant({ kind: 'save' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  )
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
    const file = tempFile(t)
    const clock = new TestClock()
    const open = async () => {
      const opened = createStore({ journal: inlineJournal(file), clock })
      await opened.store.start()
      await opened.settled()
      return opened
    }
    let current = await open()
    const model = new MemoryProviderStore()
    for (const each of steps) {
      if (each.kind === 'announce') for (const store of [model, current.store]) store.upsert(numbered(each.number, clock.now(), { expiresAt: clock.now() + each.ttlMs, addrs: addrsOf(`/ip4/192.0.2.1/tcp/${each.ttlMs}`) }))
      if (each.kind === 'withdraw') for (const store of [model, current.store]) store.remove(keyOf(each.number), bytesOf(peerOf(each.number % 10)))
      if (each.kind === 'save') await current.settled()
      if (each.kind === 'wait') {
        clock.advance(each.ms)
        for (const store of [model, current.store]) store.expire(clock.now(), 100)
      }
      if (each.kind === 'restart') {
        await current.store.stop()
        current = await open()
      }
    }
    await current.store.stop()
    current = await open()
    for (let number = 0; number <= 12; number++) t.same(current.store.get(keyOf(number), clock.now()), model.get(keyOf(number), clock.now()))
    await current.store.stop()
  }), { numRuns: 100 })
})

t.test('a record that expired while the daemon was down is not read back, and goes from disk', async t => {
  const file = tempFile(t)
  const clock = new TestClock()
  const first = await startStore(t, { journal: inlineJournal(file), clock })
  await first.settled()
  first.store.upsert(numbered(1, clock.now(), { expiresAt: clock.now() + MINUTE_MS }))
  first.store.upsert(numbered(2, clock.now()))
  await first.store.stop()

  clock.advance(MINUTE_MS)
  const second = await startStore(t, { journal: inlineJournal(file), clock })
  await second.settled()
  t.strictSame([second.store.size, second.store.ofKey(keyOf(1)), second.store.ofKey(keyOf(2))], [1, 0, 1])
  t.equal(second.store.get(keyOf(2), clock.now())[0]?.expiresAt, clock.now() + HOUR_MS - MINUTE_MS, 'a restart extends no time')
  await second.store.stop()

  const { records } = await inlineJournal(file).open({ create: false })
  t.equal(records, 1)
})

t.test('what expires and what is withdrawn goes from disk, with the provider’s addresses when it was the last', async t => {
  const { journal, store, clock, settled } = await setUp(t)
  const provider = bytesOf(peerOf(1))
  for (const number of [1, 11, 21]) store.upsert(numbered(number, clock.now()))
  await settled()
  store.remove(keyOf(1), provider)
  await settled()
  t.match(journal.batches.at(-1)?.changes, only({ gone: only(keyOf(1)), held: only(), isForgotten: false }))
  clock.advance(2 * HOUR_MS)
  const removed: Uint8Array[] = []
  t.equal(store.expire(clock.now(), 10, key => removed.push(Uint8Array.from(key))), 2)
  t.equal(removed.length, 2, 'others may listen too')
  await settled()
  t.match(journal.batches.at(-1)?.changes, only({ held: only(), isForgotten: true }))
  t.equal(journal.batches.at(-1)?.changes[0]?.gone.length, 2)
})

t.test('repeats that wait together are written once, in their last state', async t => {
  const { journal, store, clock, settled } = await setUp(t)
  for (let repeat = 1; repeat <= 1000; repeat++) store.upsert(numbered(1, clock.now(), { expiresAt: clock.now() + repeat }))
  store.upsert(numbered(2, clock.now()))
  store.remove(keyOf(2), bytesOf(peerOf(2)))
  await settled()
  t.equal(journal.written, 2)
  t.match(journal.batches.flatMap(({ changes }) => changes), only({ held: only({ expiresAt: clock.now() + 1000 }) }, { gone: only(keyOf(2)), isForgotten: true }))
})

t.test('a batch is bounded, and a provider with many records lets the others through', async t => {
  const { journal, store, clock, settled } = await setUp(t, { pendingRecords: 100_000 })
  const [busy, other] = [bytesOf(peerOf('busy')), bytesOf(peerOf('other'))]
  for (let number = 0; number < 5000; number++) store.upsert(numbered(number, clock.now(), { provider: busy }))
  store.upsert(numbered(1, clock.now(), { provider: other }))
  await settled()
  t.ok(journal.batches.every(({ changes }) => changes.reduce((sum, { held }) => sum + held.length, 0) <= 1024))
  t.equal(journal.written, 5001)
  t.equal(journal.batches.findIndex(({ changes }) => changes.some(({ provider }) => Buffer.compare(provider, other) === 0)), 1)
})

t.test('when too much waits for the disk, announcements and refreshes are refused, and all else goes on', async t => {
  const { journal, store, clock, announce, settled } = await setUp(t, { pendingRecords: 3 })
  journal.hold()
  for (const number of [1, 2, 3]) announce(number)
  t.throws(() => announce(4), UNAVAILABLE)
  t.throws(() => announce(1), UNAVAILABLE)
  t.match(store.reason(), /writes lag: 3 provider records wait/)
  t.equal(store.get(keyOf(1), clock.now()).length, 1)
  t.ok(store.remove(keyOf(1), bytesOf(peerOf(1))), 'a withdrawal is taken')

  journal.release()
  await settled()
  t.equal(store.reason(), undefined)
  t.equal(announce(4), 'created')
})

t.test('expiry while too much waits is made good from the times on disk', async t => {
  const { journal, store, clock, announce, settled } = await setUp(t, { pendingRecords: 3 })
  for (const number of [1, 2, 3]) announce(number)
  await settled()
  clock.advance(2 * HOUR_MS)
  journal.hold()
  for (const number of [11, 12, 13]) announce(number)
  await eventually(() => store.pending === 3)
  t.equal(store.expire(clock.now(), 100), 3)
  t.equal(store.pending, 3, 'not noted one by one')
  journal.release()
  await settled()
  await eventually(() => journal.batches.some(({ expiredBy }) => expiredBy === clock.now()))
  t.pass('the next batch removes them by their time')
})

for (const fault of ['full', 'read_only', 'io'] as const) {
  t.test(`${fault}: announcements are refused with the reason, reads go on, and it mends by itself without a loss`, async t => {
    const { journal, store, clock, metrics, announce, settled } = await setUp(t)
    announce(1)
    await settled()
    journal.fault = fault
    announce(2)
    await eventually(() => store.reason() !== undefined)
    t.equal(store.reason(), `a fault of kind ${fault}`)
    t.throws(() => announce(3), UNAVAILABLE)
    t.throws(() => announce(1), UNAVAILABLE)
    t.strictSame([1, 2].map(number => store.get(keyOf(number), clock.now()).length), [1, 1])
    await eventually(() => journal.opened > 3)
    t.ok(await metricValue(metrics, 'svc_dht_provider_store_failures_total', `kind="${fault}"`) > 1)
    t.ok(await metricValue(metrics, 'service_restarts_total', 'service="journal"') > 1, 'each time that it was opened again counts')

    journal.fault = undefined
    await settled()
    t.equal(announce(3), 'created')
    await settled()
    t.equal(journal.written, 3)
  })
}

t.test('a journal that lost commits is not written over', async t => {
  const { journal, store, announce } = await setUp(t)
  announce(1)
  await eventually(() => store.pending === 0)
  announce(2)
  await eventually(() => journal.commits === 2)
  journal.commits = 1 // somebody put an older copy in its place
  journal.fault = 'io'
  announce(3)
  await eventually(() => store.reason() !== undefined)
  journal.fault = undefined
  await eventually(() => /1 of the 2 commits/.test(store.reason() ?? ''))
  t.throws(() => announce(4), UNAVAILABLE)
})

t.test('until all is read back it says how far it is, refuses announcements and answers from what it has', async t => {
  const clock = new TestClock()
  const journal = new FakeJournal()
  journal.chunks = [[numbered(1, clock.now()), numbered(2, clock.now())], [numbered(3, clock.now())]]
  const { store, settled, metrics } = createStore({ journal, clock })
  t.throws(() => store.upsert(numbered(4, clock.now())), UNAVAILABLE, 'not started')
  await store.start()
  t.teardown(async () => await store.stop())
  await eventually(() => store.size === 2)
  journal.hold()
  t.match(store.reason(), 'replaying provider records: 2 of 3')
  t.throws(() => store.upsert(numbered(4, clock.now())), UNAVAILABLE)
  t.equal(store.get(keyOf(1), clock.now()).length, 1)
  journal.release()
  await settled()
  t.equal(store.size, 3)
  t.equal(await metricValue(metrics, 'svc_dht_provider_replayed'), 3)
  t.equal(journal.written, 0, 'what is read back is not written again')
})

t.test('a journal that cannot be opened yet is read back later', async t => {
  const clock = new TestClock()
  const journal = new FakeJournal()
  journal.chunks = [[numbered(1, clock.now())]]
  journal.fault = 'io'
  const { store, settled } = await startStore(t, { journal, clock })
  t.equal(store.reason(), 'a fault of kind io')
  journal.fault = undefined
  await settled()
  t.equal(store.size, 1)
})

t.test('what a read-only disk holds is served, and once it can be written it is', async t => {
  const clock = new TestClock()
  const journal = new FakeJournal()
  journal.chunks = [[numbered(1, clock.now())]]
  journal.obstacle = { fault: 'read_only', message: 'the disk is read-only' }
  const { store, settled } = await startStore(t, { journal, clock })
  await eventually(() => store.size === 1 && store.reason() === 'the disk is read-only')
  t.throws(() => store.upsert(numbered(2, clock.now())), UNAVAILABLE)
  journal.obstacle = undefined
  await settled()
  store.upsert(numbered(2, clock.now()))
  await settled()
  t.equal(journal.written, 1)
})

t.test('a file that is not ours stops the start, with a sentence', async t => {
  const journal = new FakeJournal()
  journal.fault = 'refused'
  const { store } = createStore({ journal })
  await t.rejects(store.start(), { name: 'DhtError', code: 'Conflict', message: 'Provider records cannot be kept: a fault of kind refused.' })
  t.equal(journal.closed, 1)
  await store.stop()
})

t.test('it stops with all on disk, as often as asked', async t => {
  const { journal, store, announce } = await setUp(t)
  for (let number = 0; number < 100; number++) announce(number)
  await store.stop()
  t.equal(journal.written, 100)
  t.equal(journal.closed, 1)
  await store.stop()
})

t.test('it waits for a disk no longer than the drain time', async t => {
  const { journal, store, announce } = await setUp(t, { drainTimeoutMs: 1 })
  journal.hold()
  announce(1)
  await store.stop()
  t.equal(store.pending, 1)
  t.ok(journal.isAbandoned)
  journal.release()
})

t.test('it stops amid a fault and amid a replay', async t => {
  const broken = await setUp(t)
  broken.journal.fault = 'io'
  broken.announce(1)
  await eventually(() => broken.store.reason() !== undefined)
  await broken.store.stop()

  const journal = new FakeJournal()
  journal.chunks = Array.from({ length: 1000 }, (_, number) => [numbered(number, Date.now())])
  const { store } = await startStore(t, { journal })
  await eventually(() => store.size > 1)
  await store.stop()
  t.ok(store.size < 1000)
})

t.test('metrics tell what waits and how long a commit takes', async t => {
  const { journal, store, metrics, announce, settled } = await setUp(t)
  journal.hold()
  announce(1)
  await eventually(() => store.pending === 1)
  announce(2)
  journal.release()
  await settled()
  t.equal(await metricValue(metrics, 'svc_dht_provider_pending'), 0)
  t.ok(await metricValue(metrics, 'svc_dht_provider_commit_seconds_count') >= 1)
})

t.test('a start on a disk that does not answer fails with a sentence, and leaves the disk alone', async t => {
  const journal = new FakeJournal()
  journal.hangs = true
  const { store } = createStore({ journal, openTimeoutMs: 20 })
  await t.rejects(store.start(), { code: 'StoreUnavailable', message: 'The disk of the provider records did not answer within 0.02 s.', hint: /node.dataDir/ })
  t.ok(journal.isAbandoned)
})
