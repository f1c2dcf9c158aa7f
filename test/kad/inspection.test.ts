import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import t from 'tap'
import { Inspection } from '../../src/kad/inspection.ts'
import { ProviderRecords } from '../../src/kad/provider/provider-records.ts'
import { MemoryProviderStore } from '../../src/kad/provider/store/memory.ts'
import { RoutingView } from '../../src/kad/routing/routing-view.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { only } from '../patterns.ts'
import { addrsOf, bytesOf, HOUR_MS, keyOf, peerOf, TestClock } from './fixtures.ts'

const KEY = keyOf('k')
const TEXT = '/ip4/203.0.113.7/tcp/1'
const LIMITS = { records: 100, recordsPerPeer: 10, recordsPerPrefix: 50, recordsPerKey: 100, addsPerPeerPerSecond: 5, ttlMs: HOUR_MS }

function setUp (connections: readonly Connection[] = []) {
  const clock = new TestClock()
  const view = new RoutingView({ count: 20, self: bytesOf(peerOf('self')) })
  const records = new ProviderRecords(LIMITS, { store: new MemoryProviderStore(), metrics: createMetrics().providers, now: clock.now })
  const host = { peerId: peerOf('self'), getMultiaddrs: () => [multiaddr(TEXT)], getConnections: () => [...connections] }
  const inspection = new Inspection({ host, view, records, values: { size: 4 }, announcer: { size: 5 } })
  const announce = (name: string): unknown => records.announce({ key: KEY, provider: bytesOf(peerOf(name)), addrs: addrsOf(TEXT), prefix: '203.0.113.0/24' })
  return { inspection, view, records, announce, clock }
}

const connectionTo = (name: string, text: string) => ({ remotePeer: peerOf(name), remoteAddr: multiaddr(text) }) as Connection

t.test('the totals count what there is', async t => {
  const { inspection, announce } = setUp([connectionTo('a', TEXT)])
  announce('a')
  t.strictSame(inspection.totals(), {
    peerId: peerOf('self').toString(),
    addresses: [TEXT],
    connections: 1,
    routingTablePeers: 0,
    providerRecords: 1,
    providerKeys: 1,
    expiryLagMs: 0,
    values: 4,
    announcedKeys: 5,
  })
})

t.test('a peer of the table is shown with its groups and whether it is connected', async t => {
  const { inspection, view } = setUp([connectionTo('a', TEXT)])
  for (const name of ['a', 'b']) view.set({ id: peerOf(name).toString(), bytes: bytesOf(peerOf(name)), addrs: addrsOf(TEXT), groups: ['203.0.0.0/16'], addedAt: 7 })
  const peers = inspection.peers()
  t.match(peers.find(({ id }) => id === peerOf('a').toString()), { addrs: only(TEXT), ipGroups: only('203.0.0.0/16'), addedAt: 7, isConnected: true })
  t.match(peers.find(({ id }) => id === peerOf('b').toString()), { isConnected: false })
})

t.test('a record is shown with who announced it, when, and what it counts against', async t => {
  const { inspection, announce, clock } = setUp()
  announce('a')
  t.strictSame(inspection.records(KEY), [{
    provider: peerOf('a').toString(), addrs: [TEXT], receivedAt: clock.time, expiresAt: clock.time + HOUR_MS, source: 'rpc', ipPrefix: '203.0.113.0/24',
  }])
})

t.test('the quotas of a peer are those of its ID and of where it is connected from', async t => {
  const { inspection, announce } = setUp([connectionTo('a', '/ip4/198.51.100.1/tcp/1')])
  announce('a')
  announce('b')
  t.strictSame(inspection.quotas(peerOf('a').toString()), {
    peer: peerOf('a').toString(),
    records: { used: 1, limit: 10 },
    prefixes: [{ prefix: '198.51.100.0/24', used: 0, limit: 50 }],
    total: { used: 2, limit: 100 },
    announcements: { available: 19, perSecond: 5 },
  })
})

t.test('who holds most is told with what each may hold', async t => {
  const { inspection, announce, records } = setUp()
  t.strictSame(inspection.topHolders(), { peers: [], prefixes: [], total: { used: 0, limit: 100 } })
  announce('a')
  records.rankHolders()
  t.strictSame(inspection.topHolders(), {
    peers: [{ peer: peerOf('a').toString(), used: 1, limit: 10 }],
    prefixes: [{ prefix: '203.0.113.0/24', used: 1, limit: 50 }],
    total: { used: 1, limit: 100 },
  })
})

t.test('the prefixes of a peer that is not connected are those it announced, in whatever form its ID is given', async t => {
  const { inspection, announce } = setUp()
  announce('a')
  t.match(inspection.quotas(peerOf('a').toCID().toString()).prefixes, only({ prefix: '203.0.113.0/24', used: 1 }))
  t.strictSame(inspection.quotas(peerOf('stranger').toString()).prefixes, [])
  t.throws(() => inspection.quotas('nobody'), { code: 'BadRequest' })
})

t.test('the connections count for a peer in whatever form its ID is given', async t => {
  const { inspection } = setUp([connectionTo('a', '/ip4/198.51.100.1/tcp/1')])
  t.match(inspection.quotas(peerOf('a').toCID().toString()).prefixes, only({ prefix: '198.51.100.0/24' }))
})
