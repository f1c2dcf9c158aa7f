import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import t, { type Test } from 'tap'
import { parseKey } from '../../../src/core/key.ts'
import { decodeRequest } from '../../../src/kad/rpc/message.ts'
import { joinAddress, startTestDaemon, until, type TestDaemon } from '../../daemon.ts'
import { ownEntry, rejections, sendMessage } from '../interop/raw-rpc.ts'
import { openRawStream, startBareHost, startStockPeer, tableSize } from '../interop/stock-peer.ts'

// Members with real peers: what enforcement takes from a peer, when, and what observation leaves it.

const TEXT = `b3:${'d4'.repeat(32)}`
const KEY = parseKey(TEXT)

const idOf = (peer: Libp2p): string => peer.peerId.toString()

async function provide (peer: Libp2p, daemon: TestDaemon): Promise<unknown> {
  return await sendMessage(peer, daemon, { type: 'ADD_PROVIDER', key: KEY, providers: [ownEntry(peer)] })
}

/** Peer IDs of the providers that GET_PROVIDERS names to this peer. */
async function providersFor (peer: Libp2p, daemon: TestDaemon): Promise<string[]> {
  const reply = await sendMessage(peer, daemon, { type: 'GET_PROVIDERS', key: KEY })
  if (!(reply instanceof Uint8Array)) throw new Error(String(reply))
  return decodeRequest(reply).providers.map(({ id }) => Buffer.from(id).toString('hex')).sort()
}

const binary = (...peers: Libp2p[]): string[] => peers.map(({ peerId }) => Buffer.from(peerId.toMultihash().bytes).toString('hex')).sort()

/** Over HTTP, where answers of earlier walks are kept. */
async function routed (daemon: TestDaemon): Promise<string[]> {
  const response = await fetch(`${daemon.publicUrl}/routing/v1/providers/${TEXT}`, { headers: { accept: 'application/json' } })
  const { Providers } = await response.json() as { readonly Providers: ReadonlyArray<{ readonly ID: string }> | null }
  return (Providers ?? []).map(({ ID }) => ID).sort()
}

async function setUp (t: Test): Promise<{ readonly daemon: TestDaemon, readonly member: Libp2p, readonly revoked: Libp2p }> {
  const daemon = await startTestDaemon(t)
  const [member, revoked] = [await startBareHost(t), await startBareHost(t)]
  for (const peer of [member, revoked]) await provide(peer, daemon)
  t.strictSame(await providersFor(member, daemon), binary(member, revoked))
  return { daemon, member, revoked }
}

t.test('a revoked peer is cut off mid-stream, its records are gone at once, and it cannot come back', async t => {
  const { daemon, member, revoked } = await setUp(t)
  await daemon.setMembers({ mode: 'enforce', peers: [idOf(member), idOf(revoked)] })
  t.equal((await routed(daemon)).length, 2, 'and the answer is remembered')
  const stream = await openRawStream(revoked, daemon)
  stream.send(Uint8Array.of(100, 1, 2, 3)) // the beginning of a message

  const removed = await daemon.setMembers({ mode: 'enforce', peers: [idOf(member)] })
  t.match(removed, { connections: 1, records: 1, values: 0 })
  await until(() => stream.status !== 'open', 'its stream is reset')
  await until(() => revoked.getConnections().length === 0, 'its connection is closed')
  t.strictSame(await providersFor(member, daemon), binary(member))
  t.strictSame(await routed(daemon), [idOf(member)])
  for (let attempt = 0; attempt < 3; attempt++) await t.rejects(provide(revoked, daemon))
  t.ok(await rejections(daemon, 'member') >= 1)
  t.equal(await provide(member, daemon), 'closed', 'members are served as before')

  await daemon.setMembers({ mode: 'enforce', peers: [idOf(member), idOf(revoked)] })
  t.equal(await provide(revoked, daemon), 'closed', 'listed again, it is let in')
})

t.test('when membership is only observed all is counted and nothing refused', async t => {
  const { daemon, member, revoked } = await setUp(t)
  t.match(await daemon.setMembers({ mode: 'observe', peers: [idOf(member)] }), { connections: 0, records: 0 })
  t.equal(await provide(revoked, daemon), 'closed')
  t.strictSame(await providersFor(revoked, daemon), binary(member, revoked))
  const newcomer = await startBareHost(t)
  t.equal(await provide(newcomer, daemon), 'closed')
  for (const place of ['connection', 'rpc', 'record']) {
    t.ok(await daemon.metric(`svc_dht_kad_outsiders_total{place="${place}",effect="observed"}`) > 0, place)
  }
  t.equal(await daemon.metric('rejected_total{reason="member"}'), 0)
  t.equal(await daemon.metric('svc_dht_kad_outsiders_total{place="rpc",effect="refused"}'), 0)
})

t.test('an outsider is neither let in nor dialled, and has no place in the table', async t => {
  const daemon = await startTestDaemon(t)
  const outsider = await startStockPeer(t, daemon, 'server')
  const member = await startBareHost(t)
  await until(async () => await daemon.metric('svc_dht_kad_routing_table_peers') === 1, 'the outsider is in the table')
  await daemon.setMembers({ mode: 'enforce', peers: [idOf(member)] })
  await until(async () => await daemon.metric('svc_dht_kad_routing_table_peers') === 0, 'it is not any more')
  await until(() => outsider.getConnections().length === 0, 'it is cut off')
  await t.rejects(outsider.dialProtocol(multiaddr(joinAddress(daemon)), '/ron/kad/1.0.0'))
  const refusedBefore = await daemon.metric('svc_dht_kad_outsiders_total{place="connection",effect="refused"}')
  const [address] = outsider.getMultiaddrs()
  daemon.apply({ kad: { bootstrap: [String(address)] } })
  await until(async () => await daemon.metric('svc_dht_kad_outsiders_total{place="connection",effect="refused"}') > refusedBefore, 'the dial was refused')
  t.equal(outsider.getConnections().length, 0)
  t.equal(tableSize(outsider) <= 1, true)
  t.ok(await sendMessage(member, daemon, { type: 'PING' }) instanceof Uint8Array)
})

t.test('a peer that is dropped without a list loses all it has and may come back', async t => {
  const { daemon, member, revoked } = await setUp(t)
  t.match(await daemon.dropPeer(idOf(revoked)), { connections: 1, records: 1 })
  t.strictSame(await providersFor(member, daemon), binary(member))
  await until(() => revoked.getConnections().length === 0, 'it is cut off')
  t.equal(await provide(revoked, daemon), 'closed')
  await t.rejects(daemon.dropPeer(daemon.peerId), { code: 'BadRequest' })
  await t.rejects(daemon.dropPeer('nonsense'), { code: 'BadRequest' })
})
