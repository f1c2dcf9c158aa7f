import { mock } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Connection, StreamHandler } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import t from 'tap'
import { DhtError } from '../../../src/core/errors.ts'
import type { Membership } from '../../../src/kad/members/membership.ts'
import type { RpcHandlers } from '../../../src/kad/rpc/handler.ts'
import { decodeRequest, encodeReply } from '../../../src/kad/rpc/message.ts'
import { RpcServer } from '../../../src/kad/rpc/server.ts'
import type { WorkKind } from '../../../src/policy/load-shedding.ts'
import { createLogger } from '../../../src/observability/logger.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { metricValue, peerOf, SECOND_MS, TestClock } from '../fixtures.ts'
import { FakeStream } from './fake-stream.ts'

const OPTIONS = {
  protocol: '/test/kad/1.0.0', readTimeoutMs: 10 * SECOND_MS, idleTimeoutMs: 60 * SECOND_MS, streams: 10, streamsPerPeer: 2, streamsPerPrefix: 3, rpcsPerPeerPerSecond: 1, rpcsPerPrefixPerSecond: 100,
}

/** Takes the handler that the server registers. */
class FakeHost {
  handler: StreamHandler | undefined
  protocol: string | undefined

  async handle (protocol: string | string[], handler: StreamHandler): Promise<void> {
    this.protocol = String(protocol)
    this.handler = handler
  }

  async unhandle (): Promise<void> { this.handler = undefined }
}

const echo: RpcHandlers[keyof RpcHandlers] = ({ type }) => ({ type })
const ECHOES: RpcHandlers = {
  PUT_VALUE: async ({ type }) => ({ type }), GET_VALUE: echo, ADD_PROVIDER: () => undefined, GET_PROVIDERS: echo, FIND_NODE: echo, PING: echo,
}

async function setUp (handlers: Partial<RpcHandlers> = {}) {
  const host = new FakeHost()
  const clock = new TestClock()
  const metrics = createMetrics()
  const logs: Array<Record<string, unknown>> = []
  const shed = new Set<WorkKind>()
  const admission = {
    admit: (kind: WorkKind) => { if (shed.has(kind)) throw new DhtError('NotReady', 'Overloaded.', { reason: 'overload' }) },
  }
  const outsiders = new Set<string>()
  const membership: Membership = { admits: id => !outsiders.has(id) }
  const log = createLogger({ level: 'debug' }, { write: line => { logs.push(JSON.parse(line)) } })
  const refused = new Set<string>()
  const policy = {
    assertAdmits: ({ peerId = '', ip = '' }) => { if (refused.has(peerId) || refused.has(ip)) throw new DhtError('NoCapability', 'No.', { reason: 'policy_peer' }) },
  }
  const server = new RpcServer(OPTIONS, { host, handlers: { ...ECHOES, ...handlers }, admission, membership, policy, metrics: metrics.kad, log, now: clock.now })
  await server.start()

  /** A stream that a peer opens. */
  const accept = (name = 'a', address = '/ip4/127.0.0.1/tcp/1'): FakeStream => {
    const stream = new FakeStream()
    void host.handler?.(stream, { remotePeer: peerOf(name), remoteAddr: multiaddr(address) } as Connection)
    return stream
  }
  const rejected = async (reason: string): Promise<number> => await metricValue(metrics, 'rejected_total', `reason="${reason}"`)
  const answered = async (type: string, outcome: string): Promise<number> => await metricValue(metrics, 'svc_dht_kad_inbound_rpc_total', `type="${type}",outcome="${outcome}"`)
  const streams = async (): Promise<number> => await metricValue(metrics, 'svc_dht_kad_streams')
  return { server, host, outsiders, clock, accept, shed, refused, logs, metrics, rejected, answered, streams }
}

t.test('each message is answered by its handler and counted', async t => {
  const { host, accept, answered } = await setUp()
  t.equal(host.protocol, OPTIONS.protocol)
  const stream = accept()
  for (const type of ['PING', 'ADD_PROVIDER', 'PUT_VALUE'] as const) stream.receiveMessage({ type })
  await nextTurn()
  t.strictSame(stream.sent.map(frame => decodeRequest(frame).type), ['PING', 'PUT_VALUE'])
  for (const type of ['PING', 'ADD_PROVIDER', 'PUT_VALUE']) t.equal(await answered(type, 'ok'), 1, type)
})

t.test('a refusal is counted by its code and its reason, and resets the stream', async t => {
  const refuse = (): never => { throw new DhtError('Conflict', 'Old.', { reason: 'stale' }) }
  for (const handler of [refuse, async () => refuse()]) {
    const { accept, answered, rejected } = await setUp({ PUT_VALUE: handler })
    const stream = accept()
    stream.receiveMessage({ type: 'PUT_VALUE' })
    await nextTurn()
    t.equal(stream.status, 'aborted')
    t.equal(await answered('PUT_VALUE', 'Conflict'), 1)
    t.equal(await rejected('stale'), 1)
  }
})

t.test('whom the policy does not admit any more is refused at the next message, before any work, also on a stream that is open', async t => {
  const handled: string[] = []
  const { accept, refused, rejected } = await setUp({ PING: ({ type }) => { handled.push(type); return { type } } })
  const stream = accept('a', '/ip4/203.0.113.7/tcp/1')
  stream.receiveMessage({ type: 'PING' })
  refused.add(peerOf('a').toString())
  stream.receiveMessage({ type: 'PING' })
  t.equal(stream.status, 'aborted')
  refused.clear()
  refused.add('203.0.113.7')
  const other = accept('b', '/ip4/203.0.113.7/tcp/1')
  other.receiveMessage({ type: 'PING' })
  t.equal(other.status, 'aborted')
  t.strictSame(handled, ['PING'])
  t.equal(await rejected('policy_peer'), 2)
})

t.test('a bug in a handler is logged as an error and not counted as a refusal', async t => {
  const { accept, answered, logs, metrics } = await setUp({ PING: () => { throw new TypeError('bug') } })
  const stream = accept()
  stream.receiveMessage({ type: 'PING' })
  t.equal(stream.status, 'aborted')
  t.equal(await answered('PING', 'Internal'), 1)
  t.match(logs.find(({ level }) => level === 'error'), { msg: 'request handler failed', type: 'PING', err: { message: 'bug' } })
  t.notMatch(await metrics.registry.metrics(), /^rejected_total\{/m)
})

t.test('what cannot be read is counted by what is wrong with it', async t => {
  const { accept, rejected } = await setUp()
  const bad = { frame: [0x00], decode: [1, 0xff], type: [2, 0x08, 0x09], key: [...encodeReply({ type: 'PING', key: new Uint8Array(81) })] }
  for (const [reason, bytes] of Object.entries(bad)) {
    const stream = accept(reason)
    stream.receive(Uint8Array.from(bytes))
    t.equal(stream.status, 'aborted', reason)
    t.equal(await rejected(reason), 1, reason)
  }
})

t.test('open streams are counted, and those beyond the budget of a peer or prefix are reset', async t => {
  const { accept, rejected, streams } = await setUp()
  const [first, second, third] = [accept(), accept(), accept()]
  t.strictSame([first, second, third].map(({ status }) => status), ['open', 'open', 'aborted'])
  t.equal(await streams(), 2)
  t.equal(await rejected('streams'), 1)
  first.resetRemote()
  t.equal(await streams(), 1)
  t.equal(accept().status, 'open')
  const shared = ['b', 'c', 'd', 'e'].map((name, index) => accept(name, `/ip4/203.0.113.${index}/tcp/1`).status)
  t.strictSame(shared, ['open', 'open', 'open', 'aborted'])
})

t.test('a peer that asks too often is reset, and may come back later', async t => {
  const { accept, clock, rejected } = await setUp()
  const stream = accept()
  for (let count = 0; count < 5; count++) stream.receiveMessage({ type: 'PING' })
  t.equal(stream.sent.length, 4)
  t.equal(stream.status, 'aborted')
  t.equal(await rejected('rate'), 1)
  clock.advance(SECOND_MS)
  const later = accept()
  later.receiveMessage({ type: 'PING' })
  t.equal(later.sent.length, 1)
})

t.test('under load work is refused before it is begun, a PING never', async t => {
  let worked = 0
  const { accept, shed } = await setUp({ FIND_NODE: () => { worked++; return { type: 'FIND_NODE' } } })
  shed.add('lookup')
  const stream = accept()
  stream.receiveMessage({ type: 'PING' })
  stream.receiveMessage({ type: 'FIND_NODE' })
  t.equal(stream.sent.length, 1)
  t.equal(stream.status, 'aborted')
  t.equal(worked, 0)
})

t.test('slow streams are reset without a timer of their own', async t => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const { server, accept, clock, rejected, streams } = await setUp()
  accept().receive(Uint8Array.of(100, 1, 2))
  clock.advance(OPTIONS.readTimeoutMs + 1)
  mock.timers.tick(500)
  t.equal(await rejected('slow'), 1)
  t.equal(await streams(), 0)
  await server.stop()
})

t.test('a stop takes no more streams and resets those that are open', async t => {
  const { server, host, accept, streams, metrics } = await setUp()
  const stream = accept()
  await server.stop()
  await server.stop()
  t.equal(stream.status, 'aborted')
  t.equal(await streams(), 0)
  t.equal(host.handler, undefined)
  t.notMatch(await metrics.registry.metrics(), /^rejected_total\{/m, 'a stop is no refusal')
})

t.test('a peer that resets its stream is not refused', async t => {
  const { accept, metrics } = await setUp()
  accept().resetRemote()
  t.notMatch(await metrics.registry.metrics(), /^rejected_total\{/m)
})

t.test('who is no member is refused before anything of a request is read', async t => {
  let worked = 0
  const { accept, outsiders, rejected, metrics } = await setUp({ FIND_NODE: () => { worked++; return { type: 'FIND_NODE' } } })
  const stream = accept()
  stream.receiveMessage({ type: 'PING' })
  outsiders.add(peerOf('a').toString())
  stream.receiveMessage({ type: 'FIND_NODE' })
  t.strictSame([stream.status, stream.sent.length, worked], ['aborted', 1, 0])
  t.equal(await rejected('member'), 1)
  const malformed = accept()
  malformed.receive(Uint8Array.of(1, 0xff))
  t.equal(await rejected('member'), 2)
  t.notMatch(await metrics.registry.metrics(), /reason="decode"/)
  const member = accept('b')
  member.receiveMessage({ type: 'FIND_NODE' })
  t.equal(worked, 1)
})
