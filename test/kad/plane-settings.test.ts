import type { Libp2p } from '@libp2p/interface'
import t, { type Test } from 'tap'
import { startAll } from '../../src/compose.ts'
import { composeKad } from '../../src/compose/kad.ts'
import { changeConfig, type Changes } from '../../src/config/change.ts'
import { loadConfig } from '../../src/config/load.ts'
import { parseKey } from '../../src/core/key.ts'
import type { RecordsBody } from '../../src/http/admin/wire.ts'
import { createEphemeralIdentity } from '../../src/kms/identity.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { askAdmin } from '../admin.ts'
import { joinAddress, startTestDaemon, until, type TestDaemon } from '../daemon.ts'
import { HOUR_MS, keyOf, silentLog, TestClock } from './fixtures.ts'
import { ownEntry, rejections, sendMessage } from './interop/raw-rpc.ts'
import { openRawStream, startBareHost } from './interop/stock-peer.ts'

// What governance puts in force is seen on traffic, without a restart.

const KEYS = ['c1', 'c2', 'c3'].map(byte => `b3:${byte.repeat(32)}`)

async function setUp (t: Test, now?: () => number): Promise<{ readonly daemon: TestDaemon, readonly peer: Libp2p }> {
  const daemon = await startTestDaemon(t, now === undefined ? {} : { now })
  return { daemon, peer: await startBareHost(t) }
}

async function provide (peer: Libp2p, daemon: TestDaemon, key: string): Promise<unknown> {
  return await sendMessage(peer, daemon, { type: 'ADD_PROVIDER', key: parseKey(key), providers: [ownEntry(peer)] })
}

async function recordsOf (daemon: TestDaemon, key: string): Promise<RecordsBody['records']> {
  return ((await askAdmin(daemon.adminSocket, 'GET', `/v1/records/${key}`)).body as RecordsBody).records
}

t.test('a lower TTL counts for what comes from then on, and shortens nothing that is held', async t => {
  const clock = new TestClock(Date.now())
  const { daemon, peer } = await setUp(t, clock.now)
  const [before = '', after = ''] = KEYS
  await provide(peer, daemon, before)
  daemon.apply({ providers: { ttl: HOUR_MS } })
  await provide(peer, daemon, after)
  await provide(peer, daemon, before)
  clock.advance(HOUR_MS)
  t.strictSame(await recordsOf(daemon, after), [])
  t.equal((await recordsOf(daemon, before)).length, 1, 'a repeat under the lower TTL did not shorten it')
  clock.advance(23 * HOUR_MS)
  t.strictSame(await recordsOf(daemon, before), [])
})

t.test('a lower cap pushes nothing out: what is new is refused, refreshes are taken', async t => {
  const { daemon, peer } = await setUp(t)
  const [first = '', second = '', third = ''] = KEYS
  await provide(peer, daemon, first)
  await provide(peer, daemon, second)
  daemon.apply({ providers: { recordsPerPeer: 1 } })
  t.equal(await provide(peer, daemon, third), 'reset')
  t.equal(await rejections(daemon, 'quota_peer'), 1)
  t.equal(await provide(peer, daemon, first), 'closed', 'a refresh')
  t.strictSame([(await recordsOf(daemon, first)).length, (await recordsOf(daemon, second)).length, (await recordsOf(daemon, third)).length], [1, 1, 0])
  daemon.apply({ providers: { recordsPerPeer: 3 } })
  t.equal(await provide(peer, daemon, third), 'closed')
  t.equal((await recordsOf(daemon, third)).length, 1)
})

t.test('another RPC ceiling holds on streams that are open', async t => {
  const { daemon, peer } = await setUp(t)
  t.ok(await sendMessage(peer, daemon, { type: 'PING' }) instanceof Uint8Array)
  daemon.apply({ kad: { rpcsPerPeerPerSecond: 1 } })
  const outcomes: unknown[] = []
  for (let count = 0; count < 6; count++) outcomes.push(await sendMessage(peer, daemon, { type: 'PING' }))
  t.ok(outcomes.includes('reset'))
  t.ok(await rejections(daemon, 'rate') >= 1)
  daemon.apply({ kad: { rpcsPerPeerPerSecond: 500 } })
  t.ok(await sendMessage(peer, daemon, { type: 'PING' }) instanceof Uint8Array, 'raised again')
})

t.test('fewer streams a peer, and a shorter patience with those that are open', async t => {
  const { daemon, peer } = await setUp(t)
  const open = await openRawStream(peer, daemon)
  await until(async () => await daemon.metric('svc_dht_kad_streams') === 1, 'the stream is open')
  daemon.apply({ kad: { streamsPerPeer: 1 } })
  t.equal(await sendMessage(peer, daemon, { type: 'PING' }), 'reset')
  t.equal(await rejections(daemon, 'streams'), 1)
  t.equal(open.status, 'open')
  daemon.apply({ kad: { idleTimeout: 100 } })
  await until(() => open.status !== 'open', 'the idle stream is reset')
})

t.test('what the settings table does not allow changes nothing, nor does an empty bootstrap set', async t => {
  const { daemon, peer } = await setUp(t)
  t.throws(() => daemon.apply({ kad: { rpcsPerPeerPerSecond: 1, concurrency: 99 } }), { code: 'BadRequest' })
  t.throws(() => daemon.apply({ kad: { rpcsPerPeerPerSecond: 1, bootstrap: [] } }), { code: 'BadRequest', message: /at least one peer/ })
  for (let count = 0; count < 6; count++) t.ok(await sendMessage(peer, daemon, { type: 'PING' }) instanceof Uint8Array)
})

t.test('another bootstrap set is asked at once', async t => {
  const { daemon } = await setUp(t)
  const other = await startTestDaemon(t)
  t.equal(daemon.readiness().reasons.some(({ condition }) => condition === 'bootstrap'), true)
  daemon.apply({ kad: { bootstrap: [joinAddress(other)] } })
  await until(() => !daemon.readiness().reasons.some(({ condition }) => condition === 'bootstrap'), 'it answered')
})

t.test('lookups are as wide as they were set last', async t => {
  const flags = { 'kad.listen': '/ip4/127.0.0.1/tcp/0', 'discv5.enabled': 'false', 'kad.addresses': 'any', 'kad.inboundConnectionsPerSecond': '1000', 'kad.bootstrapProbeInterval': '100ms' }
  const config = loadConfig({ flags })
  const planes = await Promise.all(Array.from({ length: 8 }, async () => await composeKad(config, {
    identity: createEphemeralIdentity(), version: { version: 'test', gitSha: 'unknown' }, adminSocket: '', log: silentLog, metrics: createMetrics(), now: Date.now,
  }, { admit: () => {} })))
  const running = await Promise.all(planes.map(async plane => await startAll(plane.components)))
  t.teardown(async () => { await Promise.all(running.map(async plane => await plane[Symbol.asyncDispose]())) })
  const address = (plane: typeof planes[number]): string => String(plane.host.getMultiaddrs()[0])
  for (const plane of planes) plane.bootstrap.replace(planes.filter(other => other !== plane).map(address))
  const [asker] = planes
  if (asker === undefined) throw new Error('unreachable')
  await until(() => asker.view.size === 7, 'everybody is in the table')

  /** Most RPCs that one walk had in flight. */
  const widest = async (changes: Changes): Promise<number> => {
    asker.apply(changeConfig(config, changes))
    let inFlight = 0
    let most = 0
    for await (const event of asker.host.services.dht.getClosestPeers(keyOf('k'))) {
      if (event.name === 'SEND_QUERY') most = Math.max(most, ++inFlight)
      if (event.name === 'PEER_RESPONSE' || event.name === 'QUERY_ERROR') inFlight--
    }
    return most
  }
  t.equal(await widest({ kad: { concurrency: 1, disjointPaths: 1 } }), 1)
  t.equal(await widest({ kad: { concurrency: 7, disjointPaths: 1 } }), 7)
  t.equal(await widest({ kad: { concurrency: 1, disjointPaths: 2 } }), 2)
})
