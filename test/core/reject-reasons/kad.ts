import type { Connection, Libp2p, StreamHandler } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Test } from 'tap'
import { parseKey } from '../../../src/core/key.ts'
import { ProviderRecords } from '../../../src/kad/provider/provider-records.ts'
import { MemoryProviderStore } from '../../../src/kad/provider/store/memory.ts'
import type { ProviderStore } from '../../../src/kad/provider/store/store.ts'
import { answerAddProvider } from '../../../src/kad/rpc/add-provider.ts'
import type { RpcHandlers } from '../../../src/kad/rpc/handler.ts'
import { encodePeer, encodeReply, type Reply } from '../../../src/kad/rpc/message.ts'
import { RpcServer } from '../../../src/kad/rpc/server.ts'
import { encodeValueRecord } from '../../../src/kad/value/value-record.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { startTestDaemon } from '../../daemon.ts'
import { addrsOf, bytesOf, keyOf, peerOf, silentLog, TestClock } from '../../kad/fixtures.ts'
import { ownEntry, sendMessage, sendRaw } from '../../kad/interop/raw-rpc.ts'
import { openRawStream, startBareHost } from '../../kad/interop/stock-peer.ts'
import { FakeJournal } from '../../kad/provider/store/fake-journal.ts'
import { startStore } from '../../kad/provider/store/persistent-stores.ts'
import { FakeStream } from '../../kad/rpc/fake-stream.ts'
import { IpnsOwner, publicKeyValue, type KeyedValue } from '../../kad/value/values.ts'
import { countOf, type Produce } from './produce.ts'

// The reasons of the Kademlia plane: a real peer talks to a real daemon, but where only an address beyond loopback would do.

const KEY = parseKey(`b3:${'c1'.repeat(32)}`)
const OTHER = parseKey(`b3:${'c2'.repeat(32)}`)
const PING: Reply = { type: 'PING' }

const add = (peer: Libp2p, key = KEY): Reply => ({ type: 'ADD_PROVIDER', key, providers: [ownEntry(peer)] })
const put = ({ key, value }: KeyedValue): Reply => ({ type: 'PUT_VALUE', key, record: encodeValueRecord({ key, value }, Date.now()) })

/** Each message on a stream of its own, to a daemon with these settings. */
function messages (flags: Readonly<Record<string, string>>, ...make: ReadonlyArray<(peer: Libp2p) => Reply | Promise<Reply>>): Produce {
  return async (t, reason) => {
    const daemon = await startTestDaemon(t, { flags })
    const peer = await startBareHost(t)
    return await countOf(daemon, reason, async () => { for (const each of make) await sendMessage(peer, daemon, await each(peer)) })
  }
}

function bytes (sent: Uint8Array, flags: Readonly<Record<string, string>> = {}): Produce {
  return async (t, reason) => {
    const daemon = await startTestDaemon(t, { flags })
    const peer = await startBareHost(t)
    return await countOf(daemon, reason, async () => await sendRaw(peer, daemon, sent, { keepOpen: true }))
  }
}

/** Of one key, by two peers. */
function secondProvider (flags: Readonly<Record<string, string>>): Produce {
  return async (t, reason) => {
    const daemon = await startTestDaemon(t, { flags })
    const [one, other] = [await startBareHost(t), await startBareHost(t)]
    await sendMessage(one, daemon, add(one))
    return await countOf(daemon, reason, async () => await sendMessage(other, daemon, add(other)))
  }
}

async function tooManyStreams (t: Test, reason: string): Promise<number> {
  const daemon = await startTestDaemon(t, { flags: { 'kad.streamsPerPeer': '1' } })
  const peer = await startBareHost(t)
  const held = await openRawStream(peer, daemon)
  held.send(Uint8Array.of(100, 1)) // half a message keeps it open
  return await countOf(daemon, reason, async () => await sendMessage(peer, daemon, PING))
}

async function stale (t: Test, reason: string): Promise<number> {
  const owner = await IpnsOwner.create()
  const of = async (sequence: number): Promise<Reply> => put({ key: owner.key, value: await owner.record(sequence) })
  return await messages({}, async () => await of(2), async () => await of(1))(t, reason)
}

async function outsider (t: Test, reason: string): Promise<number> {
  const daemon = await startTestDaemon(t)
  const peer = await startBareHost(t)
  await daemon.setMembers({ mode: 'enforce', peers: [peerOf('somebody else').toString()] })
  return await countOf(daemon, reason, async () => { await sendMessage(peer, daemon, PING).catch(() => {}) }) // not even connected
}

async function deniedPeer (t: Test, reason: string): Promise<number> {
  const peer = await startBareHost(t)
  const daemon = await startTestDaemon(t, { flags: { 'policy.denyPeers': peer.peerId.toString() } })
  return await countOf(daemon, reason, async () => { await sendMessage(peer, daemon, PING).catch(() => {}) })
}

/** Announcements of peers with public addresses, on the server with the handler that the daemon has. */
function announcements (storeFor: (t: Test) => ProviderStore | Promise<ProviderStore>): Produce {
  return async (t, reason) => {
    const metrics = createMetrics()
    const clock = new TestClock()
    const limits = { ttlMs: 1000, addsPerPeerPerSecond: 100, records: 100, recordsPerPeer: 100, recordsPerPrefix: 1, recordsPerKey: 100 }
    const records = new ProviderRecords(limits, { store: await storeFor(t), metrics: metrics.providers, now: clock.now })
    let accept: StreamHandler | undefined
    const host = { handle: async (_: string | string[], handler: StreamHandler) => { accept = handler }, unhandle: async () => {} }
    const handlers = { ADD_PROVIDER: answerAddProvider({ records, scope: 'public' }) } as unknown as RpcHandlers
    const server = new RpcServer({
      protocol: '/test', readTimeoutMs: 1000, idleTimeoutMs: 1000, streams: 10, streamsPerPeer: 10, streamsPerPrefix: 10, rpcsPerPeerPerSecond: 10, rpcsPerPrefixPerSecond: 10,
    }, { host, handlers, admission: { admit: () => {} }, membership: { admits: () => true }, metrics: metrics.kad, log: silentLog, now: clock.now })
    await server.start()
    t.teardown(async () => await server.stop())
    return await countOf(metrics, reason, async () => {
      for (const name of ['a', 'b']) {
        const stream = new FakeStream()
        void accept?.(stream, { remotePeer: peerOf(name), remoteAddr: multiaddr('/ip4/203.0.113.7/tcp/1') } as Connection)
        stream.receiveMessage({ type: 'ADD_PROVIDER', key: keyOf('k'), providers: [encodePeer({ id: bytesOf(peerOf(name)), addrs: addrsOf('/ip4/203.0.113.7/tcp/1') })] })
      }
    })
  }
}

async function brokenStore (t: Test): Promise<ProviderStore> {
  const journal = new FakeJournal()
  const { store, settled } = await startStore(t, { journal })
  await settled()
  journal.fault = 'full'
  store.upsert({ key: KEY, provider: bytesOf(peerOf('first')), addrs: addrsOf('/ip4/203.0.113.8/tcp/1'), receivedAt: 0, expiresAt: Number.MAX_SAFE_INTEGER, source: 'rpc', prefix: undefined })
  while (store.reason() === undefined) await new Promise(resolve => setImmediate(resolve))
  return store
}

export const KAD = {
  key: messages({}, () => ({ type: 'GET_PROVIDERS' })),
  frame: bytes(Uint8Array.of(0x81, 0x80, 0x80, 0x02, 0x00)),
  decode: bytes(Uint8Array.of(2, 0x0b, 0x0c)),
  type: bytes(Uint8Array.of(2, 0x08, 0x09)),
  provider: messages({}, () => ({ type: 'ADD_PROVIDER', key: KEY })),
  addresses: messages({ 'kad.addresses': 'public' }, peer => add(peer)),
  record: messages({}, () => ({ type: 'PUT_VALUE', key: Buffer.from('/pk/x') })),
  stale,
  slow: bytes(Uint8Array.of(50, 8, 5), { 'kad.readTimeout': '100ms' }),
  streams: tooManyStreams,
  rate: bytes(Buffer.concat(new Array(20).fill(encodeReply(PING))), { 'kad.rpcsPerPeerPerSecond': '1' }),
  member: outsider,
  store: announcements(brokenStore),
  quota_peer: messages({ 'providers.recordsPerPeer': '1' }, peer => add(peer), peer => add(peer, OTHER)),
  quota_prefix: announcements(() => new MemoryProviderStore()),
  quota_key: secondProvider({ 'providers.recordsPerKey': '1' }),
  quota_total: secondProvider({ 'providers.records': '1', 'providers.recordsPerPeer': '1' }),
  quota_values: messages({ 'values.recordsPerPeer': '1' }, async () => put(await publicKeyValue()), async () => put(await publicKeyValue())),
  policy_peer: deniedPeer,
} satisfies Record<string, Produce>
