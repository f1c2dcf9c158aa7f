import type { Test } from 'tap'
import type { Announcement } from '../../../../src/kad/provider/record.ts'
import type { ProviderStore } from '../../../../src/kad/provider/store/store.ts'
import { only } from '../../../patterns.ts'
import { addrsOf, bytesOf, HOUR_MS, keyOf, MINUTE_MS, peerOf, SECOND_MS } from '../../fixtures.ts'
import { assertFollowsModel } from './model.ts'

type CreateStore = (t: Test) => ProviderStore | Promise<ProviderStore>

const NOW = Date.UTC(2026, 0, 1)
const KEY = keyOf('a')
const PEER = bytesOf(peerOf('a'))
const ADDRS = addrsOf('/ip4/203.0.113.7/tcp/7460')
const PREFIX = '203.0.113.0/24'

function announcement (changes: Partial<Announcement> = {}): Announcement {
  return { key: KEY, provider: PEER, addrs: ADDRS, receivedAt: NOW, expiresAt: NOW + HOUR_MS, source: 'rpc', prefix: PREFIX, ...changes }
}

/** What any backend of the provider store promises. */
export function providerStoreSuite (t: Test, create: CreateStore): void {
  testRecords(t, create)
  testExpiry(t, create)
  testCounts(t, create)
  testRemovalOfProviders(t, create)
  testHolders(t, create)
  t.test('whatever the order of announcements, withdrawals, expiry and time, it answers as a plain list would', async t => {
    await assertFollowsModel(async () => await create(t))
  })
}

function testRecords (t: Test, create: CreateStore): void {
  t.test('what was announced is held', async t => {
    const store = await create(t)
    t.equal(store.upsert(announcement()), 'created')
    const [record, ...others] = store.get(KEY, NOW)
    t.strictSame(others, [])
    t.match(record, { receivedAt: NOW, expiresAt: NOW + HOUR_MS, source: 'rpc', prefix: PREFIX })
    t.strictSame([record?.provider, record?.addrs], [PEER, ADDRS])
    t.ok(store.has(KEY, PEER, NOW))
    t.notOk(store.has(keyOf('b'), PEER, NOW))
    t.notOk(store.has(KEY, bytesOf(peerOf('b')), NOW))
    t.strictSame(store.get(keyOf('b'), NOW), [])
  })

  t.test('a thousand announcements of one key by one peer are one record', async t => {
    const store = await create(t)
    const results = Array.from({ length: 1000 }, (_, index) => store.upsert(announcement({ receivedAt: NOW + index, expiresAt: NOW + index + HOUR_MS })))
    t.equal(results.filter(result => result === 'created').length, 1)
    t.equal(store.get(KEY, NOW).length, 1)
    t.strictSame([store.size, store.keys, store.ofPeer(PEER), store.ofPrefix(PREFIX), store.ofKey(KEY)], [1, 1, 1, 1, 1])
  })

  t.test('a repeat extends the time and refreshes the rest, and never shortens the time', async t => {
    const store = await create(t)
    store.upsert(announcement())
    t.equal(store.upsert(announcement({ receivedAt: NOW + 1, expiresAt: NOW + 2 * HOUR_MS, source: 'operator' })), 'refreshed')
    t.match(store.get(KEY, NOW), only({ receivedAt: NOW + 1, expiresAt: NOW + 2 * HOUR_MS, source: 'operator' }))
    store.upsert(announcement({ receivedAt: NOW + 2, expiresAt: NOW + MINUTE_MS }))
    t.match(store.get(KEY, NOW), only({ receivedAt: NOW + 2, expiresAt: NOW + 2 * HOUR_MS, source: 'rpc' }))
  })

  t.test('the addresses that a provider announced last are told for all its keys, as long as it has one', async t => {
    const store = await create(t)
    const moved = addrsOf('/ip4/198.51.100.1/tcp/1', '/ip4/198.51.100.1/udp/1/quic-v1')
    store.upsert(announcement())
    store.upsert(announcement({ key: keyOf('b'), addrs: moved }))
    t.strictSame([KEY, keyOf('b')].map(key => store.get(key, NOW)[0]?.addrs), [moved, moved])
    t.strictSame(store.addressesOf(PEER), moved)
    store.remove(KEY, PEER)
    t.strictSame(store.addressesOf(PEER), moved)
    store.remove(keyOf('b'), PEER)
    t.equal(store.addressesOf(PEER), undefined)
  })

  t.test('nothing of the message that brought a record is kept but what it says', async t => {
    const store = await create(t)
    const message = Buffer.alloc(1024 * 1024)
    const viewOf = (bytes: Uint8Array, at: number): Uint8Array => {
      message.set(bytes, at)
      return message.subarray(at, at + bytes.byteLength)
    }
    store.upsert(announcement({ key: viewOf(KEY, 0), provider: viewOf(PEER, 100), addrs: ADDRS.map(addr => viewOf(addr, 200)) }))
    message.fill(0xff)
    const [record] = store.get(KEY, NOW)
    t.strictSame([record?.provider, record?.addrs], [PEER, ADDRS])
    for (const bytes of [record?.provider, ...record?.addrs ?? []]) t.ok((bytes?.buffer.byteLength ?? Infinity) <= 64 * 1024)
  })

  t.test('what was withdrawn is gone, and only that', async t => {
    const store = await create(t)
    const other = bytesOf(peerOf('b'))
    store.upsert(announcement())
    store.upsert(announcement({ provider: other }))
    t.ok(store.remove(KEY, PEER))
    t.notOk(store.remove(KEY, PEER))
    t.notOk(store.remove(keyOf('b'), other))
    t.match(store.get(KEY, NOW), only({ provider: other }))
    t.equal(store.upsert(announcement()), 'created')
    t.equal(store.size, 2)
  })
}

function testExpiry (t: Test, create: CreateStore): void {
  t.test('a record is served up to the moment it expires, removed or not', async t => {
    const store = await create(t)
    store.upsert(announcement())
    const end = NOW + HOUR_MS
    t.equal(store.get(KEY, end - 1).length, 1)
    t.strictSame(store.get(KEY, end), [])
    t.notOk(store.has(KEY, PEER, end))
    t.equal(store.size, 1, 'still held')
  })

  t.test('what expired is removed oldest first, so many at a time, and no later than a second after its end', async t => {
    const store = await create(t)
    const shuffled = [7, 2, 9, 4, 1, 8, 3, 0, 6, 5]
    for (const place of shuffled) store.upsert(announcement({ key: keyOf(place), expiresAt: NOW + place * SECOND_MS + 500 }))
    t.equal(store.expire(NOW, 100), 0)
    const later = NOW + 5.5 * SECOND_MS + SECOND_MS // six records ended a second ago or longer
    t.equal(store.expire(later, 4), 4)
    t.strictSame(shuffled.toSorted().filter(place => store.ofKey(keyOf(place)) === 1), [4, 5, 6, 7, 8, 9])
    t.ok(store.expire(later, 100) >= 2)
    t.equal(store.expire(NOW + HOUR_MS, 100), store.size === 0 ? 4 : Number.NaN)
    t.strictSame([store.size, store.keys, store.ofPeer(PEER), store.ofPrefix(PREFIX)], [0, 0, 0, 0])
  })

  t.test('an extended record outlives its first end', async t => {
    const store = await create(t)
    store.upsert(announcement())
    store.upsert(announcement({ expiresAt: NOW + 2 * HOUR_MS }))
    t.equal(store.expire(NOW + HOUR_MS + MINUTE_MS, 100), 0)
    t.equal(store.expire(NOW + 2 * HOUR_MS + MINUTE_MS, 100), 1)
  })

  t.test('the lag is how long the oldest expired record waits, to the second', async t => {
    const store = await create(t)
    t.equal(store.expiryLagMs(NOW + HOUR_MS), 0)
    store.upsert(announcement())
    store.upsert(announcement({ key: keyOf('b'), expiresAt: NOW + HOUR_MS + 10 * SECOND_MS }))
    t.equal(store.expiryLagMs(NOW + HOUR_MS - 1), 0)
    const lag = store.expiryLagMs(NOW + HOUR_MS + MINUTE_MS)
    t.ok(lag > MINUTE_MS - SECOND_MS && lag <= MINUTE_MS)
    store.expire(NOW + HOUR_MS + MINUTE_MS, 1)
    const rest = store.expiryLagMs(NOW + HOUR_MS + MINUTE_MS)
    t.ok(rest > 49 * SECOND_MS && rest <= 50 * SECOND_MS)
    store.expire(NOW + HOUR_MS + MINUTE_MS, 1)
    t.equal(store.expiryLagMs(NOW + HOUR_MS + MINUTE_MS), 0)
  })

  t.test('what was withdrawn or extended does not lag', async t => {
    const store = await create(t)
    store.upsert(announcement())
    store.upsert(announcement({ key: keyOf('b') }))
    store.upsert(announcement({ key: keyOf('b'), expiresAt: NOW + 3 * HOUR_MS }))
    store.remove(KEY, PEER)
    t.equal(store.expiryLagMs(NOW + 2 * HOUR_MS), 0)
    t.equal(store.expire(NOW + 2 * HOUR_MS, 100), 0)
  })

  t.test('a clock that leaps over years removes all, and works on', async t => {
    const store = await create(t)
    store.upsert(announcement())
    const later = NOW + 20 * 365 * 24 * HOUR_MS
    t.equal(store.expire(later, 100), 1)
    store.upsert(announcement({ expiresAt: later + SECOND_MS }))
    t.equal(store.get(KEY, later).length, 1)
    t.equal(store.expire(later + 3 * SECOND_MS, 100), 1)
  })
}

function testCounts (t: Test, create: CreateStore): void {
  t.test('records are counted by provider, prefix and key', async t => {
    const store = await create(t)
    const other = bytesOf(peerOf('b'))
    for (const name of ['a', 'b', 'c']) store.upsert(announcement({ key: keyOf(name) }))
    store.upsert(announcement({ provider: other }))
    store.upsert(announcement({ key: keyOf('d'), provider: other, prefix: undefined }))
    t.strictSame([store.size, store.keys], [5, 4])
    t.strictSame([PEER, other].map(peer => store.ofPeer(peer)), [3, 2])
    t.strictSame([PREFIX, '192.0.2.0/24'].map(prefix => store.ofPrefix(prefix)), [4, 0])
    t.strictSame(['a', 'b', 'd', 'e'].map(name => store.ofKey(keyOf(name))), [2, 1, 1, 0])
  })

  t.test('a record counts against the prefix it was announced from last', async t => {
    const store = await create(t)
    store.upsert(announcement())
    store.upsert(announcement({ prefix: '192.0.2.0/24' }))
    t.strictSame([PREFIX, '192.0.2.0/24'].map(prefix => store.ofPrefix(prefix)), [0, 1])
    store.upsert(announcement({ prefix: undefined }))
    t.equal(store.ofPrefix('192.0.2.0/24'), 0)
    store.remove(KEY, PEER)
    t.equal(store.size, 0)
  })

  t.test('keys are told apart by all their bytes', async t => {
    const store = await create(t)
    const [short, long] = [Uint8Array.of(0, 1, 0), Uint8Array.of(0, 2, 0, 0)]
    store.upsert(announcement({ key: short }))
    t.strictSame(store.get(long, NOW), [])
    t.equal(store.get(Buffer.concat([Buffer.alloc(9), short]).subarray(9), NOW).length, 1)
  })
}

function testRemovalOfProviders (t: Test, create: CreateStore): void {
  t.test('all records of a provider go, slice by slice, and nobody else’s', async t => {
    const store = await create(t)
    const [gone, stays] = [bytesOf(peerOf('gone')), bytesOf(peerOf('stays'))]
    for (let key = 0; key < 50; key++) {
      for (const provider of [gone, stays]) store.upsert(announcement({ key: keyOf(key), provider }))
    }
    const removed: string[] = []
    let slices = 0
    for (let from: number | undefined = 0; from !== undefined; slices++) {
      from = store.removeWhere(id => Buffer.compare(id, gone) === 0, { from, rows: 7 }, key => { removed.push(Buffer.from(key).toString('hex')) })
    }
    t.equal(slices, Math.ceil(101 / 7))
    t.equal(new Set(removed).size, 50)
    t.strictSame([store.size, store.ofPeer(gone), store.ofPeer(stays), store.ofPrefix(PREFIX), store.addressesOf(gone)], [50, 0, 50, 50, undefined])
    for (let key = 0; key < 50; key++) t.strictSame(store.get(keyOf(key), NOW).map(({ provider }) => provider), [stays])
    t.equal(store.upsert(announcement({ key: keyOf(1), provider: gone })), 'created', 'it may announce again')
    t.equal(store.expire(NOW + 2 * HOUR_MS, 1000), 51)
    t.equal(store.size, 0)
  })

  t.test('a removal from an empty store, or of nobody, does nothing', async t => {
    const store = await create(t)
    const nothing = (): void => { t.fail('nothing is removed') }
    t.equal(store.removeWhere(() => true, { from: 0, rows: 10 }, nothing), undefined)
    store.upsert(announcement())
    t.equal(store.removeWhere(() => false, { from: 0, rows: 10 }, nothing), undefined)
    t.equal(store.size, 1)
  })
}

function testHolders (t: Test, create: CreateStore): void {
  t.test('peers and prefixes are told with their records, slice by slice, until all were', async t => {
    const store = await create(t)
    const told = (holder: 'peer' | 'prefix', rows: number): Array<readonly [string, number]> => {
      const all: Array<readonly [string, number]> = []
      for (let from: number | undefined = 0; from !== undefined;) {
        from = store.tellHolders(holder, { from, rows }, (who, records) => { all.push([typeof who === 'string' ? who : Buffer.from(who).toString('hex'), records]) })
      }
      return all.toSorted(([, a], [, b]) => a - b)
    }
    t.strictSame(told('peer', 1), [])
    const peers = [1, 2, 3].map(name => bytesOf(peerOf(name)))
    for (const [index, provider] of peers.entries()) {
      for (let key = 0; key <= index; key++) store.upsert(announcement({ key: keyOf(key), provider, prefix: index === 0 ? undefined : `203.0.${index}.0/24` }))
    }
    t.strictSame(told('peer', 1), peers.map((id, index) => [Buffer.from(id).toString('hex'), index + 1]))
    t.strictSame(told('prefix', 2), [['203.0.1.0/24', 2], ['203.0.2.0/24', 3]])
    store.remove(keyOf(0), peers[0] as Uint8Array)
    t.equal(told('peer', 10).length, 2, 'who has no record any more is not told')
  })

  t.test('the addresses of a provider count as memory for as long as they are held', async t => {
    const store = await create(t)
    store.upsert(announcement({ addrs: [] }))
    const before = store.sizeBytes
    const [long] = addrsOf('/ip4/203.0.113.7/udp/7460/quic-v1')
    store.upsert(announcement({ addrs: [long as Uint8Array] }))
    t.equal(store.sizeBytes - before, long?.byteLength)
    store.upsert(announcement({ addrs: [] }))
    t.equal(store.sizeBytes, before)
  })
}
