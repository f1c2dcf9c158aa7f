import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Connection, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import t, { type Test } from 'tap'
import type { AddressScope } from '../../src/kad/addresses.ts'
import { Bootstrap } from '../../src/kad/bootstrap.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { FakeEngine } from './fake-engine.ts'
import { metricValue, peerOf, SECOND_MS, silentLog, TestClock } from './fixtures.ts'

const LAPSE_MS = 20 * SECOND_MS
const addressOf = (name: string): string => `/ip4/127.0.0.1/tcp/1/p2p/${peerOf(name)}`

/** Peers that answer a dial and a ping as long as they are in the set. */
class FakeNetwork {
  readonly peerId = peerOf('self')
  readonly living = new Set<string>()
  readonly dialled: string[] = []
  /** Holds dials back until it settles. */
  delay: Promise<void> = Promise.resolve()

  async dial (address: unknown): Promise<Connection> {
    const id = (address as [Multiaddr])[0].getComponents().at(-1)?.value ?? ''
    this.dialled.push(id)
    await this.delay
    return { remotePeer: peerIdFromString(id) } as Connection
  }

  async ping (peer: PeerId): Promise<void> {
    if (!this.living.has(peer.toString())) throw new Error('no answer')
  }
}

interface Options {
  readonly peers: readonly string[]
  readonly living: readonly string[]
  readonly scope?: AddressScope
  readonly isDiscovering?: boolean
}

async function setUp (t: Test, { peers, living, scope = 'any', isDiscovering = false }: Options) {
  const clock = new TestClock()
  const metrics = createMetrics()
  const engine = new FakeEngine()
  const network = new FakeNetwork()
  for (const name of living) network.living.add(peerOf(name).toString())
  // Longer than a test: rounds begin with `start` and `replace`.
  const bootstrap = new Bootstrap({ scope, peers: peers.map(addressOf), probeIntervalMs: 1e6, lapseMs: LAPSE_MS, isDiscovering }, {
    host: network, client: network, engine, metrics: metrics.kad, log: silentLog, now: clock.now,
  })
  await bootstrap.start()
  t.teardown(async () => { await bootstrap.stop() })
  await nextTurn()
  return { bootstrap, clock, metrics, engine, network }
}

t.test('without bootstrap peers the reason says which setting to set', async t => {
  const { bootstrap } = await setUp(t, { peers: [], living: [] })
  t.equal(bootstrap.reason(), 'no bootstrap peer is configured: set kad.bootstrap')
})

t.test('where discv5 looks for peers the reason says that it found none yet', async t => {
  const { bootstrap } = await setUp(t, { peers: [], living: [], isDiscovering: true })
  t.match(bootstrap.reason(), 'discv5 has found no peer')
})

t.test('one peer that answers is enough, and it is offered to the table', async t => {
  const { bootstrap, engine, metrics } = await setUp(t, { peers: ['a', 'b'], living: ['b'] })
  t.equal(bootstrap.alive, 1)
  t.equal(bootstrap.reason(), undefined)
  t.strictSame(engine.offered, [peerOf('b').toString()])
  t.equal(await metricValue(metrics, 'svc_dht_kad_bootstrap_alive'), 1)
})

t.test('when nobody answers the reason says how many were asked', async t => {
  const { bootstrap } = await setUp(t, { peers: ['a', 'b'], living: [] })
  t.equal(bootstrap.reason(), 'none of 2 bootstrap peers answered in the last 20 s')
})

t.test('an answer counts until it lapses', async t => {
  const { bootstrap, clock } = await setUp(t, { peers: ['a'], living: ['a'] })
  clock.advance(LAPSE_MS)
  t.equal(bootstrap.reason(), undefined)
  clock.advance(1)
  t.match(bootstrap.reason(), 'none of 1 bootstrap peers')
})

t.test('without a bootstrap set a discovered peer stands in while it answers', async t => {
  const { bootstrap, clock, metrics } = await setUp(t, { peers: [], living: ['a'] })
  bootstrap.joined(peerOf('a').toString(), [addressOf('a')])
  t.equal(bootstrap.reason(), undefined)
  t.equal(await metricValue(metrics, 'svc_dht_kad_bootstrap_alive'), 1)
  clock.advance(LAPSE_MS + 1)
  t.equal(bootstrap.reason(), 'none of 1 peers that discv5 found answered in the last 20 s')
})

t.test('beside a bootstrap set discovered peers count for nothing', async t => {
  const { bootstrap } = await setUp(t, { peers: ['a'], living: [] })
  bootstrap.joined(peerOf('b').toString(), [addressOf('b')])
  t.equal(bootstrap.reason(), 'none of 1 bootstrap peers answered in the last 20 s')
})

t.test('of discovered peers only so many are asked, and a silent one makes place for one that answers', async t => {
  const { bootstrap, clock } = await setUp(t, { peers: [], living: [] })
  for (let i = 0; i < 20; i++) bootstrap.joined(peerOf(`d${i}`).toString(), [addressOf(`d${i}`)])
  t.equal(bootstrap.alive, 16)
  clock.advance(LAPSE_MS + 1)
  bootstrap.joined(peerOf('late').toString(), [addressOf('late')])
  t.equal(bootstrap.alive, 1)
})

t.test('another set is in force and asked at once, and the answers of the old one count no more', async t => {
  const { bootstrap, network } = await setUp(t, { peers: ['a'], living: ['a', 'b'] })
  bootstrap.replace([addressOf('b')])
  t.equal(bootstrap.alive, 0)
  await nextTurn()
  t.equal(bootstrap.alive, 1)
  t.strictSame(network.dialled, ['a', 'b'].map(name => peerOf(name).toString()))
})

t.test('another set is asked while the old one is still waited for, whose late answers do not count', async t => {
  const { bootstrap, network } = await setUp(t, { peers: [], living: ['a', 'b'] })
  const late = Promise.withResolvers<void>()
  network.delay = late.promise
  bootstrap.replace([addressOf('a')])
  network.delay = Promise.resolve()
  bootstrap.replace([addressOf('b')])
  await nextTurn()
  t.equal(bootstrap.alive, 1)
  late.resolve()
  await nextTurn()
  t.equal(bootstrap.alive, 1)
})

t.test('a daemon does not bootstrap from itself', async t => {
  const { bootstrap, network } = await setUp(t, { peers: ['self'], living: ['self'] })
  t.strictSame(network.dialled, [])
  t.match(bootstrap.reason(), 'no bootstrap peer is configured')
})

t.test('on a public overlay a private bootstrap address is refused, and the set in force stays', async t => {
  const { bootstrap, network } = await setUp(t, { peers: [], living: [], scope: 'public' })
  t.throws(() => bootstrap.replace([addressOf('a')]), { code: 'BadRequest', hint: /kad.addresses/ })
  bootstrap.replace([addressOf('a').replace('127.0.0.1', '203.0.113.7')])
  t.strictSame(network.dialled, [peerOf('a').toString()])
})

t.test('the metric tells which set is in force, whatever its order', async t => {
  const { bootstrap, metrics } = await setUp(t, { peers: ['a', 'b'], living: [] })
  const series = async (): Promise<string | undefined> => (await metrics.registry.metrics()).match(/^bootstrap_set_hash\{hash="(b3:\w+)"\} 1$/m)?.[1]
  const before = await series()
  t.ok(before)
  bootstrap.replace([addressOf('b'), addressOf('a')])
  t.equal(await series(), before)
  bootstrap.replace([addressOf('b')])
  t.not(await series(), before)
})

t.test('after its stop nobody is asked', async t => {
  const { bootstrap, network } = await setUp(t, { peers: [], living: [] })
  await bootstrap.stop()
  await bootstrap.stop()
  bootstrap.replace([addressOf('a')])
  await nextTurn()
  t.strictSame(network.dialled, [])
})

t.test('an empty set is refused, and the one in force stays', async t => {
  const { bootstrap } = await setUp(t, { peers: ['a'], living: ['a'] })
  t.throws(() => bootstrap.replace([]), { code: 'BadRequest', message: /at least one peer/ })
  t.equal(bootstrap.alive, 1)
})
