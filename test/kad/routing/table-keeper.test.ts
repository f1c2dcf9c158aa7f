import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Connection, IdentifyResult, Libp2pEvents, Peer, PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from 'main-event'
import t from 'tap'
import type { Membership } from '../../../src/kad/members/membership.ts'
import { AddressBook } from '../../../src/kad/routing/address-book.ts'
import { DiversityCount } from '../../../src/kad/routing/diversity.ts'
import { RoutingView } from '../../../src/kad/routing/routing-view.ts'
import { compareDistance, kadIdOf } from '../../../src/kad/keyspace.ts'
import { keepTable } from '../../../src/kad/routing/table-keeper.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { only } from '../../patterns.ts'
import { addrsOf, bytesOf, metricValue, peerOf, silentLog, TestClock } from '../fixtures.ts'
import { FakeEngine } from '../fake-engine.ts'

/** As much of a host as tells where peers are. */
class FakeHost extends TypedEventEmitter<Libp2pEvents> {
  readonly #stored = new Map<string, Peer>()
  connections: Connection[] = []

  readonly peerStore = {
    get: async (id: PeerId): Promise<Peer> => {
      const peer = this.#stored.get(id.toString())
      if (peer === undefined) throw new Error('not found')
      return peer
    },
  }

  getConnections (peer?: PeerId): Connection[] {
    return this.connections.filter(({ remotePeer }) => peer === undefined || remotePeer.equals(peer))
  }

  store (id: PeerId, ...texts: readonly string[]): Peer {
    const addresses = texts.map(text => ({ multiaddr: multiaddr(text), isCertified: false }))
    const peer: Peer = { id, addresses, protocols: [], metadata: new Map(), tags: new Map() }
    this.#stored.set(id.toString(), peer)
    return peer
  }
}

function setUp (limits = { inTable: 3, inBucket: 2 }) {
  const clock = new TestClock()
  const metrics = createMetrics()
  const host = new FakeHost()
  const engine = new FakeEngine()
  const outsiders = new Set<string>()
  const membership: Membership = { admits: id => !outsiders.has(id) }
  const view = new RoutingView({ count: 20, self: bytesOf(peerOf('self')) })
  const book = new AddressBook({ limit: 10, validityMs: 1000 }, { now: clock.now })
  keepTable({ scope: 'public', bucketSize: 20 }, { host, engine, membership, view, book, diversity: new DiversityCount(limits), metrics: metrics.kad, log: silentLog, now: clock.now })
  return { host, engine, view, book, metrics, outsiders }
}

const ids = (...names: number[]): string[] => names.map(name => peerOf(name).toString())

/** Peers that are in one bucket of the table, the farthest. */
const neighbours = Array.from({ length: 100 }, (_, name) => name).filter(name => new RoutingView({ count: 1, self: bytesOf(peerOf('self')) }).bucketOf(bytesOf(peerOf(name))) === 0)
const [first = 0, second = 0, third = 0] = neighbours

t.test('a peer of the engine’s table is told with its addresses until it leaves', async t => {
  const { host, engine, view, metrics } = setUp()
  host.store(peerOf(1), '/ip4/203.0.113.7/tcp/1', '/ip4/10.0.0.1/tcp/1')
  engine.add(peerOf(1))
  await nextTurn()
  t.match(view.get(peerOf(1).toString()), { addrs: only(...addrsOf('/ip4/203.0.113.7/tcp/1')), groups: only('203.0.0.0/16') })
  t.equal(await metricValue(metrics, 'svc_dht_kad_routing_table_peers'), 1)
  const bucket = `bucket="${view.bucketOf(bytesOf(peerOf(1)))}"`
  t.equal(await metricValue(metrics, 'svc_dht_kad_bucket_peers', bucket), 1)
  engine.remove(peerOf(1))
  t.equal(view.size, 0)
  t.equal(await metricValue(metrics, 'svc_dht_kad_routing_table_peers'), 0)
  t.equal(await metricValue(metrics, 'svc_dht_kad_bucket_peers', bucket), 0)
})

t.test('a peer that leaves while its addresses are read does not stay', async t => {
  const { host, engine, view } = setUp()
  host.store(peerOf(1), '/ip4/203.0.113.7/tcp/1')
  engine.add(peerOf(1))
  engine.remove(peerOf(1))
  await nextTurn()
  t.equal(view.size, 0)
  engine.add(peerOf(1))
  engine.remove(peerOf(1))
  engine.add(peerOf(1))
  await nextTurn()
  t.equal(view.size, 1)
})

t.test('a peer of a crowded group is kept out and counted', async t => {
  const { host, engine, metrics } = setUp()
  for (const name of neighbours.slice(0, 3)) host.store(peerOf(name), `/ip4/203.0.${name}.1/tcp/1`)
  for (const name of [first, second]) {
    t.ok(await engine.guard.admits(peerOf(name)))
    engine.add(peerOf(name))
    await nextTurn()
  }
  t.notOk(await engine.guard.admits(peerOf(third)))
  t.equal(await metricValue(metrics, 'svc_dht_kad_diversity_refused_total', 'scope="bucket"'), 1)
  engine.remove(peerOf(first))
  t.ok(await engine.guard.admits(peerOf(third)), 'one who leaves makes room')
})

t.test('of two peers that race for the last place of their group the second goes again', async t => {
  const { host, engine, view, metrics } = setUp({ inTable: 1, inBucket: 1 })
  for (const name of [1, 2]) host.store(peerOf(name), '/ip4/203.0.113.7/tcp/1')
  t.strictSame(await Promise.all([engine.guard.admits(peerOf(1)), engine.guard.admits(peerOf(2))]), [true, true])
  engine.add(peerOf(1))
  engine.add(peerOf(2))
  await nextTurn()
  t.strictSame(engine.dropped, ids(2))
  t.strictSame(view.list().map(({ id }) => id), ids(1))
  t.equal(await metricValue(metrics, 'svc_dht_kad_diversity_refused_total', 'scope="table"'), 1)
})

t.test('a peer that is told of twice counts once', async t => {
  const { host, engine, view } = setUp({ inTable: 1, inBucket: 1 })
  host.store(peerOf(1), '/ip4/203.0.113.7/tcp/1')
  for (let round = 0; round < 2; round++) {
    engine.add(peerOf(1))
    await nextTurn()
  }
  t.equal(view.size, 1)
  t.strictSame(engine.dropped, [])
  engine.remove(peerOf(1))
  host.store(peerOf(2), '/ip4/203.0.113.7/tcp/1')
  t.ok(await engine.guard.admits(peerOf(2)))
})

t.test('where we dialled a peer counts as much as what it says of itself', async t => {
  const { host, engine, view } = setUp()
  const [dialled, accepted] = ['/ip4/198.51.100.1/tcp/1', '/ip4/192.0.2.1/tcp/1']
  host.connections = [
    { remotePeer: peerOf(1), remoteAddr: multiaddr(dialled), direction: 'outbound' },
    { remotePeer: peerOf(1), remoteAddr: multiaddr(accepted), direction: 'inbound' },
  ] as Connection[]
  engine.add(peerOf(1))
  await nextTurn()
  t.match(view.list(), only({ groups: only('198.51.0.0/16'), addrs: only(...addrsOf(dialled)) }))
})

t.test('a peer whose addresses change stays in the groups it came with', async t => {
  const { host, engine, view } = setUp()
  const before = host.store(peerOf(1), '/ip4/203.0.113.7/tcp/1')
  engine.add(peerOf(1))
  await nextTurn()
  const moved = host.store(peerOf(1), '/ip4/198.51.100.1/tcp/1')
  host.safeDispatchEvent('peer:update', { detail: { peer: moved, previous: before } })
  t.match(view.list(), only({ groups: only('203.0.0.0/16'), addrs: only(...addrsOf('/ip4/198.51.100.1/tcp/1')) }))
  host.safeDispatchEvent('peer:update', { detail: { peer: host.store(peerOf(1)), previous: moved } })
  t.match(view.list(), only({ addrs: only(...addrsOf('/ip4/198.51.100.1/tcp/1')) }), 'no addresses are no news')
  host.safeDispatchEvent('peer:update', { detail: { peer: host.store(peerOf(2), '/ip4/198.51.100.1/tcp/1'), previous: undefined } })
  t.equal(view.size, 1, 'an update brings nobody in')
})

t.test('what a connected peer says of itself is remembered, also when it is a client', async t => {
  const { host, book, view } = setUp()
  const listenAddrs = ['/ip4/203.0.113.7/tcp/1', '/ip4/10.0.0.1/tcp/1'].map(text => multiaddr(text))
  host.safeDispatchEvent('peer:identify', { detail: { peerId: peerOf(1), listenAddrs } as IdentifyResult })
  t.strictSame(book.get(peerOf(1).toString()), addrsOf('/ip4/203.0.113.7/tcp/1'))
  t.equal(view.size, 0)
})

t.test('a table that cannot be followed is logged, not fatal', async t => {
  const { host, engine, view } = setUp()
  host.store(peerOf(1), '/ip4/203.0.113.7/tcp/1')
  host.getConnections = () => { throw new Error('gone') }
  engine.add(peerOf(1))
  await nextTurn()
  t.equal(view.size, 0)
})

t.test('far buckets hold k peers by six bits, and our own corner divides down to our nearest neighbours', async t => {
  const { host, engine, view } = setUp({ inTable: 10_000, inBucket: 10_000 })
  let offered = 0
  for (; offered < 4000; offered++) {
    const peer = peerOf(offered)
    host.store(peer, `/ip4/203.0.${offered >> 8}.${offered & 255}/tcp/1`)
    if (!engine.guard.hasRoomFor(peer)) continue
    engine.add(peer)
    await nextTurn()
  }
  const held = view.list()
  const perFarBucket = Map.groupBy(held.filter(({ bucket }) => bucket < 6), ({ kadId }) => (kadId[0] ?? 0) >> 2)
  t.strictSame([...new Set([...perFarBucket.values()].map(({ length }) => length))], [20], 'each of the 63 others is full')
  t.equal(perFarBucket.size, 63)

  const self = kadIdOf(bytesOf(peerOf('self')))
  const nearest = Array.from({ length: offered }, (_, name) => peerOf(name)).sort((a, b) => compareDistance(kadIdOf(bytesOf(a)), kadIdOf(bytesOf(b)), self)).slice(0, 20)
  t.ok(nearest.every(peer => view.get(peer.toString()) !== undefined), 'all of our 20 nearest are in the table')
})

t.test('of two peers that were verified at once for one place, one goes again', async t => {
  const { host, engine, view } = setUp({ inTable: 10_000, inBucket: 10_000 })
  const inOneBucket = Array.from({ length: 3000 }, (_, name) => peerOf(name)).filter(peer => (kadIdOf(bytesOf(peer))[0] ?? 0) >> 2 === 0b010101).slice(0, 21)
  for (const peer of inOneBucket) host.store(peer, '/ip4/203.0.113.7/tcp/1')
  for (const peer of inOneBucket) engine.add(peer)
  await nextTurn()
  t.equal(view.size, 20)
  t.strictSame(engine.dropped, [inOneBucket[20]?.toString()])
})

t.test('who is no member has no place in the table', async t => {
  const { engine, host, view, outsiders } = setUp()
  host.store(peerOf(1), '/ip4/203.0.113.7/tcp/1')
  t.ok(engine.guard.hasRoomFor(peerOf(1)))
  outsiders.add(peerOf(1).toString())
  t.notOk(engine.guard.hasRoomFor(peerOf(1)))
  engine.add(peerOf(1)) // verified before it was removed from the list
  await nextTurn()
  t.strictSame(view.list(), [])
  t.strictSame(engine.dropped, ids(1))
})
