import type { PeerInfo } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import t from 'tap'
import { emptyTrace, type Walk } from '../../src/core/peer.ts'
import { KadOverlay } from '../../src/kad/overlay.ts'
import { EVERYBODY } from '../../src/kad/members/membership.ts'
import { ProviderRecords } from '../../src/kad/provider/provider-records.ts'
import { MemoryProviderStore } from '../../src/kad/provider/store/memory.ts'
import { decodePeer, encodePeer } from '../../src/kad/rpc/message.ts'
import { AddressBook } from '../../src/kad/routing/address-book.ts'
import { RoutingView } from '../../src/kad/routing/routing-view.ts'
import { ValueStore } from '../../src/kad/value/value-store.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { FakeEngine } from './fake-engine.ts'
import { addrsOf, bytesOf, HOUR_MS, keyOf, peerOf, TestClock } from './fixtures.ts'
import { IpnsOwner, publicKeyValue, REAL_NOW } from './value/values.ts'

const KEY = keyOf('k')
const TEXT = '/ip4/203.0.113.7/tcp/1'
const ADDRS = addrsOf(TEXT)
const SELF = peerOf('self')
const LIMITS = { records: 100, recordsPerPeer: 100, recordsPerPrefix: 100, recordsPerKey: 100, addsPerPeerPerSecond: 100, ttlMs: HOUR_MS }

function setUp ({ valueLimit = 100 } = {}) {
  const clock = new TestClock(REAL_NOW)
  const metrics = createMetrics()
  const engine = new FakeEngine()
  engine.tableSize = 1
  const own = { addrs: ADDRS }
  const view = new RoutingView({ count: 20, self: bytesOf(SELF) })
  const book = new AddressBook({ limit: 100, validityMs: HOUR_MS }, { now: clock.now })
  const records = new ProviderRecords(LIMITS, { store: new MemoryProviderStore(), metrics: metrics.providers, now: clock.now })
  const values = new ValueStore({ records: valueLimit, recordsPerPeer: valueLimit, ttlMs: HOUR_MS }, { metrics: metrics.kad, now: clock.now })
  const publisher = { reached: 3, published: 0, publishValue: async () => ({ reached: publisher.reached, attempted: ++publisher.published }) }
  const overlay = new KadOverlay({ scope: 'public' }, { self: SELF, ownAddresses: () => own.addrs, engine, view, book, records, values, publisher, membership: EVERYBODY, now: clock.now })
  return { overlay, engine, own, view, book, records, values, publisher }
}

const walk = (): Walk => ({ signal: new AbortController().signal, trace: emptyTrace() })
const found = (name: string, ...texts: readonly string[]): PeerInfo => ({ id: peerOf(name), multiaddrs: texts.map(text => multiaddr(text)) })
const recordOf = (name: string, ...addrs: readonly string[]) => ({ id: peerOf(name).toString(), addrs, protocols: [] })

t.test('with nobody to ask a walk ends at once', async t => {
  const { overlay, engine, values } = setUp()
  engine.tableSize = 0
  engine.providers = engine.peers = engine.closest = [found('a', TEXT)]
  t.strictSame(await Array.fromAsync(overlay.walkProviders(KEY, walk())), [])
  t.strictSame(await Array.fromAsync(overlay.walkPeer(peerOf('a').toString(), walk())), [])
  t.strictSame(await Array.fromAsync(overlay.walkClosest(KEY, walk())), [])
  const { key, value } = await publicKeyValue()
  t.equal(await overlay.findValue(key, walk()), undefined)
  await values.put(key, value, 'a')
  t.strictSame(await overlay.findValue(key, walk()), value)
  t.equal(engine.walks.length, 0)
})

t.test('providers held here are told with the addresses they announced', async t => {
  const { overlay, records } = setUp()
  records.announce({ key: KEY, provider: bytesOf(peerOf('a')), addrs: ADDRS, prefix: undefined })
  t.strictSame(overlay.heldProviders(KEY), [recordOf('a', TEXT)])
  t.strictSame(overlay.heldProviders(keyOf('other')), [])
})

t.test('a provider whom the network names without addresses gets those we know', async t => {
  const { overlay, engine, book } = setUp()
  engine.providers = [found('a', '/ip4/198.51.100.1/tcp/1'), found('b'), found('c')]
  book.set(peerOf('b').toString(), ADDRS)
  t.strictSame(await Array.fromAsync(overlay.walkProviders(KEY, walk())), [recordOf('a', '/ip4/198.51.100.1/tcp/1'), recordOf('b', TEXT), recordOf('c')])
  engine.closest = engine.providers
  t.strictSame(await Array.fromAsync(overlay.walkClosest(KEY, walk())), [recordOf('a', '/ip4/198.51.100.1/tcp/1'), recordOf('b', TEXT), recordOf('c')])
})

t.test('a peer that is found without usable addresses is not found', async t => {
  const { overlay, engine } = setUp()
  engine.peers = [found('a', '/ip4/10.0.0.1/tcp/1'), found('a', `${TEXT}/p2p/${peerOf('a')}`)]
  t.strictSame(await Array.fromAsync(overlay.walkPeer(peerOf('a').toString(), walk())), [recordOf('a', TEXT)])
})

t.test('a peer is known from the table, from what it said of itself or from its announcements', async t => {
  const { overlay, view, book, records } = setUp()
  view.set({ id: peerOf('a').toString(), bytes: bytesOf(peerOf('a')), addrs: ADDRS, groups: [], addedAt: 0 })
  book.set(peerOf('b').toString(), ADDRS)
  records.announce({ key: KEY, provider: bytesOf(peerOf('c')), addrs: ADDRS, prefix: undefined })
  for (const name of ['a', 'b', 'c', 'self']) {
    t.strictSame(await overlay.heldPeer(peerOf(name).toString()), recordOf(name, TEXT))
    t.strictSame(overlay.knownPeer(bytesOf(peerOf(name))), encodePeer({ id: bytesOf(peerOf(name)), addrs: ADDRS }))
  }
  t.equal(await overlay.heldPeer(peerOf('d').toString()), undefined)
  t.equal(overlay.knownPeer(bytesOf(peerOf('d'))), undefined)
  t.equal(overlay.knownPeer(Buffer.from('no peer ID')), undefined)
  await t.rejects(overlay.heldPeer('no peer ID'), { code: 'BadRequest' })
})

t.test('a peer given as a CID is told by its usual ID', async t => {
  const { overlay, book } = setUp()
  book.set(peerOf('a').toString(), ADDRS)
  t.strictSame(await overlay.heldPeer(peerOf('a').toCID().toString()), recordOf('a', TEXT))
})

t.test('a peer in the table without addresses is told with those known otherwise', async t => {
  const { overlay, view, book } = setUp()
  view.set({ id: peerOf('a').toString(), bytes: bytesOf(peerOf('a')), addrs: [], groups: [], addedAt: 0 })
  t.equal(overlay.knownPeer(bytesOf(peerOf('a'))), undefined)
  book.set(peerOf('a').toString(), ADDRS)
  t.strictSame(decodePeer(overlay.knownPeer(bytesOf(peerOf('a'))) ?? new Uint8Array(0)).addrs.map(addr => Uint8Array.from(addr)), ADDRS)
})

t.test('a daemon without an address to tell is not known to itself', async t => {
  const { overlay, own } = setUp()
  own.addrs = []
  t.equal(overlay.knownPeer(bytesOf(SELF)), undefined)
  t.equal(await overlay.heldPeer(SELF.toString()), undefined)
})

t.test('of the values held and found the best valid one wins', async t => {
  const { overlay, engine, values } = setUp()
  const owner = await IpnsOwner.create()
  const [held, best, older] = [await owner.record(2), await owner.record(3), await owner.record(1)]
  await values.put(owner.key, held, 'a')
  engine.values = [older, Buffer.from('garbage'), best, held, await (await IpnsOwner.create()).record(9)]
  t.strictSame(await overlay.findValue(owner.key, walk()), best)
  engine.values = [older]
  t.strictSame(Buffer.from(await overlay.findValue(owner.key, walk()) ?? []), Buffer.from(held))
})

t.test('a value is kept here and brought to others', async t => {
  const { overlay, values, publisher } = setUp()
  const { key, value } = await publicKeyValue()
  t.strictSame(await overlay.publishValue(key, value, walk()), { reached: 3 })
  t.strictSame(values.get(key), value)
  t.equal(publisher.published, 1)
})

t.test('a value that we have no room for goes to others all the same', async t => {
  const { overlay, values, publisher } = setUp({ valueLimit: 0 })
  const { key, value } = await publicKeyValue()
  t.strictSame(await overlay.publishValue(key, value, walk()), { reached: 3 })
  t.equal(values.size, 0)
  publisher.reached = 0
  await t.rejects(overlay.publishValue(key, value, walk()), { code: 'Backpressure' }, 'but somebody must have it')
})

t.test('with nobody to ask a value is kept here', async t => {
  const { overlay, engine, values } = setUp()
  engine.tableSize = 0
  const { key, value } = await publicKeyValue()
  t.strictSame(await overlay.publishValue(key, value, walk()), { reached: 0 })
  t.equal(values.size, 1)
})

t.test('an invalid or outdated value is brought to nobody', async t => {
  const { overlay, publisher } = setUp()
  const owner = await IpnsOwner.create()
  await overlay.publishValue(owner.key, await owner.record(2), walk())
  await t.rejects(overlay.publishValue(owner.key, await owner.record(1), walk()), { code: 'Conflict', reason: 'stale' })
  await t.rejects(overlay.publishValue(owner.key, Buffer.from('garbage'), walk()), { code: 'BadRequest', reason: 'record' })
  t.equal(publisher.published, 1)
})
