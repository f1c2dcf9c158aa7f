import type { Libp2p, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import t, { type Test } from 'tap'
import { decodeRequest, encodePeer, encodeReply } from '../../../src/kad/rpc/message.ts'
import { parseKey } from '../../../src/core/key.ts'
import { askAdmin } from '../../admin.ts'
import type { RecordsBody } from '../../../src/http/admin/wire.ts'
import { startTestDaemon, until, type TestDaemon } from '../../daemon.ts'
import { ownEntry, rejections, sendMessage, sendRaw } from './raw-rpc.ts'
import { openRawStream, startBareHost } from './stock-peer.ts'

const KEY = parseKey(`b3:${'c1'.repeat(32)}`)
const PING = encodeReply({ type: 'PING' })

async function setUp (t: Test, flags: Record<string, string> = {}): Promise<{ daemon: TestDaemon, peer: Libp2p }> {
  const daemon = await startTestDaemon(t, { flags })
  return { daemon, peer: await startBareHost(t) }
}

async function assertServes (t: Test, peer: Libp2p, daemon: TestDaemon): Promise<void> {
  const reply = await sendMessage(peer, daemon, { type: 'PING' })
  t.ok(reply instanceof Uint8Array && decodeRequest(reply).type === 'PING', 'the next good request is served')
}

async function recordsOf (daemon: TestDaemon, key: string): Promise<RecordsBody['records']> {
  return ((await askAdmin(daemon.adminSocket, 'GET', `/v1/records/${key}`)).body as RecordsBody).records
}

const REFUSED: ReadonlyArray<{ readonly what: string, readonly reason: string, readonly bytes: (peer: Libp2p) => Uint8Array }> = [
  { what: 'a frame that says it is over 4 MiB', reason: 'frame', bytes: () => Uint8Array.of(0x81, 0x80, 0x80, 0x02, 0x00) },
  { what: 'a length prefix without end', reason: 'frame', bytes: () => new Uint8Array(16).fill(0xff) },
  { what: 'an empty frame', reason: 'frame', bytes: () => Uint8Array.of(0) },
  { what: 'an unknown message type', reason: 'type', bytes: () => Uint8Array.of(2, 0x08, 0x09) },
  { what: 'bytes that are no protobuf', reason: 'decode', bytes: () => Uint8Array.of(4, 0x12, 0x7f, 0x00, 0x01) },
  { what: 'a protobuf group', reason: 'decode', bytes: () => Uint8Array.of(2, 0x0b, 0x0c) },
  { what: 'a GET_PROVIDERS without key', reason: 'key', bytes: () => encodeReply({ type: 'GET_PROVIDERS' }) },
  { what: 'a FIND_NODE without key', reason: 'key', bytes: () => encodeReply({ type: 'FIND_NODE' }) },
  { what: 'a key of 81 bytes', reason: 'key', bytes: () => encodeReply({ type: 'GET_PROVIDERS', key: Buffer.concat([Buffer.from([0x00, 79]), Buffer.alloc(79)]) }) },
  { what: 'a key that is no multihash', reason: 'key', bytes: peer => encodeReply({ type: 'ADD_PROVIDER', key: Buffer.alloc(32), providers: [ownEntry(peer)] }) },
  { what: 'a provider entry of somebody else', reason: 'provider', bytes: () => encodeReply({ type: 'ADD_PROVIDER', key: KEY, providers: [encodePeer({ id: KEY, addrs: [] })] }) },
  { what: 'an ADD_PROVIDER without entry', reason: 'provider', bytes: () => encodeReply({ type: 'ADD_PROVIDER', key: KEY }) },
  { what: '2,000 entries in one message', reason: 'provider', bytes: peer => encodeReply({ type: 'ADD_PROVIDER', key: KEY, providers: new Array(2000).fill(ownEntry(peer)) }) },
  { what: 'an entry without addresses', reason: 'addresses', bytes: peer => encodeReply({ type: 'ADD_PROVIDER', key: KEY, providers: [encodePeer({ id: peer.peerId.toMultihash().bytes, addrs: [] })] }) },
  { what: 'an entry with malformed addresses', reason: 'addresses', bytes: peer => encodeReply({ type: 'ADD_PROVIDER', key: KEY, providers: [encodePeer({ id: peer.peerId.toMultihash().bytes, addrs: [Buffer.alloc(40, 0xfe)] })] }) },
  { what: 'a value outside /pk and /ipns', reason: 'key', bytes: () => encodeReply({ type: 'GET_VALUE', key: Buffer.from('/other/key') }) },
  { what: 'a PUT_VALUE without record', reason: 'record', bytes: () => encodeReply({ type: 'PUT_VALUE', key: Buffer.from('/pk/x') }) },
]

t.test('what makes no sense is refused with a reset, counted by its reason, and harms nobody else', async t => {
  const { daemon, peer } = await setUp(t)
  const expected = new Map<string, number>()
  for (const { what, reason, bytes } of REFUSED) {
    const count = (expected.get(reason) ?? 0) + 1
    expected.set(reason, count)
    t.equal(await sendRaw(peer, daemon, bytes(peer), { keepOpen: true }), 'reset', what)
    t.equal(await rejections(daemon, reason, count), count, `counted as ${reason}`)
  }
  await assertServes(t, peer, daemon)
  t.equal(await daemon.metric('svc_dht_provider_records'), 0, 'nothing was stored')
})

t.test('a message that stops in the middle is refused when its stream ends', async t => {
  const { daemon, peer } = await setUp(t)
  t.equal(await sendRaw(peer, daemon, Uint8Array.of(100, 1, 2, 3)), 'reset')
  t.equal(await rejections(daemon, 'frame'), 1)
  await assertServes(t, peer, daemon)
})

t.test('of 100 addresses sixteen are kept', async t => {
  const { daemon, peer } = await setUp(t)
  const addrs = Array.from({ length: 100 }, (_, index) => multiaddr(`/ip4/127.0.0.1/tcp/${1000 + index}`).bytes)
  await sendMessage(peer, daemon, { type: 'ADD_PROVIDER', key: KEY, providers: [encodePeer({ id: peer.peerId.toMultihash().bytes, addrs })] })
  const [record] = await recordsOf(daemon, `b3:${'c1'.repeat(32)}`)
  t.strictSame(record?.addrs, Array.from({ length: 16 }, (_, index) => `/ip4/127.0.0.1/tcp/${1000 + index}`))
})

t.test('on a public overlay private addresses are dropped, and an announcement with no others is refused', async t => {
  const { daemon, peer } = await setUp(t, { 'kad.addresses': 'public' })
  t.equal(await sendMessage(peer, daemon, { type: 'ADD_PROVIDER', key: KEY, providers: [ownEntry(peer)] }), 'reset')
  t.equal(await rejections(daemon, 'addresses'), 1)
  const addrs = ['/ip4/10.0.0.1/tcp/1', '/ip4/192.0.2.7/tcp/4001', '/ip6/fe80::1/tcp/1', '/dns4/relay.example.org/tcp/443'].map(text => multiaddr(text).bytes)
  await sendMessage(peer, daemon, { type: 'ADD_PROVIDER', key: KEY, providers: [encodePeer({ id: peer.peerId.toMultihash().bytes, addrs })] })
  const [record] = await recordsOf(daemon, `b3:${'c1'.repeat(32)}`)
  t.strictSame(record?.addrs, ['/ip4/192.0.2.7/tcp/4001', '/dns4/relay.example.org/tcp/443'])
})

t.test('a peer that starts a message and does not finish it loses its stream', async t => {
  const { daemon, peer } = await setUp(t, { 'kad.readTimeout': '100ms' })
  t.equal(await sendRaw(peer, daemon, Uint8Array.of(50, 8, 5), { keepOpen: true }), 'reset')
  t.equal(await rejections(daemon, 'slow'), 1)
  await assertServes(t, peer, daemon)
})

t.test('a peer that opens more streams than its budget has the surplus refused', async t => {
  const { daemon, peer } = await setUp(t, { 'kad.streamsPerPeer': '4' })
  const streams: Stream[] = []
  for (let count = 0; count < 4; count++) {
    const stream = await openRawStream(peer, daemon)
    stream.send(PING.subarray(0, 1)) // half a message keeps a stream open
    streams.push(stream)
  }
  await until(async () => await daemon.metric('svc_dht_kad_streams') === 4, 'the budget is used up')
  t.equal(await sendMessage(peer, daemon, { type: 'PING' }), 'reset', 'the fifth stream is refused')
  t.equal(await rejections(daemon, 'streams'), 1)
  for (const stream of streams) stream.abort(new Error('done'))
  await until(async () => await daemon.metric('svc_dht_kad_streams') === 0, 'the streams are closed')
  await assertServes(t, peer, daemon)
})

t.test('a flood of requests is cut off at the peer’s rate, and another peer is served', async t => {
  const { daemon, peer } = await setUp(t, { 'kad.rpcsPerPeerPerSecond': '25' }) // 100 at once
  const flood = Buffer.concat(new Array(500).fill(PING))
  await sendRaw(peer, daemon, flood, { keepOpen: true })
  t.equal(await rejections(daemon, 'rate'), 1)
  t.equal(await daemon.metric('svc_dht_kad_inbound_rpc_total{type="PING",outcome="ok"}'), 100, 'what its budget covers was answered')
  await assertServes(t, await startBareHost(t), daemon)
})

t.test('quotas refuse what is beyond them by reason, and still accept a refresh', async t => {
  const { daemon, peer } = await setUp(t, { 'providers.recordsPerPeer': '3', 'providers.recordsPerKey': '1' })
  const add = async (from: Libp2p, byte: string) => await sendMessage(from, daemon, { type: 'ADD_PROVIDER', key: parseKey(`b3:${byte.repeat(32)}`), providers: [ownEntry(from)] })
  for (const byte of ['01', '02', '03']) t.equal(await add(peer, byte), 'closed')
  t.equal(await add(peer, '04'), 'reset', 'the fourth record of a peer')
  t.equal(await rejections(daemon, 'quota_peer'), 1)
  t.equal(await add(await startBareHost(t), '01'), 'reset', 'the second provider of a key')
  t.equal(await rejections(daemon, 'quota_key'), 1)
  t.equal(await add(peer, '02'), 'closed', 'a refresh takes no room')
  t.equal(await daemon.metric('svc_dht_provider_upserts_total{result="refreshed"}'), 1)
})

t.test('a public overlay does not dial private addresses, whoever names them', async t => {
  const peer = await startBareHost(t)
  const address = peer.getMultiaddrs()[0]?.toString() ?? ''
  await t.rejects(startTestDaemon(t, { flags: { 'kad.addresses': 'public', 'kad.bootstrap': address } }), {
    code: 'BadRequest', message: `The bootstrap address ${address} is private, and kad.addresses = "public" does not dial such.`,
  })
})
