import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { RpcClient } from '../../../src/kad/rpc/client.ts'
import { decodeRequest, encodePeer, type Reply } from '../../../src/kad/rpc/message.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { only } from '../../patterns.ts'
import { addrsOf, bytesOf, keyOf, metricValue, peerOf } from '../fixtures.ts'
import { FakeStream } from './fake-stream.ts'

const PEER = peerOf('a')
const KEY = keyOf('k')
const SELF = encodePeer({ id: bytesOf(peerOf('self')), addrs: addrsOf('/ip4/203.0.113.7/tcp/1') })

/** A client whose peer answers with these messages once something came. */
function setUp (...replies: readonly Reply[]) {
  const stream = new FakeStream('outbound')
  const metrics = createMetrics()
  const client = new RpcClient({ protocol: '/test/kad/1.0.0' }, { host: { dialProtocol: async () => stream }, metrics: metrics.kad })
  const answer = async (): Promise<void> => {
    while (stream.sent.length === 0) await nextTurn()
    for (const reply of replies) stream.receiveMessage(reply)
  }
  const outcome = async (type: string): Promise<string> => {
    for (const name of ['ok', 'failed']) if (await metricValue(metrics, 'svc_dht_kad_outbound_rpc_total', `type="${type}",outcome="${name}"`) === 1) return name
    return 'none'
  }
  return { client, stream, answer, outcome, asked: () => stream.sent.map(frame => decodeRequest(frame)) }
}

const { signal } = new AbortController()

t.test('a ping is asked and answered, and our end is closed', async t => {
  const { client, stream, answer, asked } = setUp({ type: 'PING' })
  await Promise.all([client.ping(PEER, signal), answer()])
  t.match(asked(), only({ type: 'PING' }))
  t.equal(stream.writeStatus, 'closed')
})

t.test('an announcement is followed by a PING, whose answer says that it was taken', async t => {
  const { client, answer, asked, outcome } = setUp({ type: 'PING' })
  await Promise.all([client.addProvider(PEER, KEY, SELF, signal), answer()])
  t.match(asked(), only({ type: 'ADD_PROVIDER', providers: only({ id: bytesOf(peerOf('self')) }) }, { type: 'PING' }))
  t.equal(await outcome('ADD_PROVIDER'), 'ok')
})

t.test('a value is put and comes back', async t => {
  const { client, answer, asked, outcome } = setUp({ type: 'PUT_VALUE' })
  await Promise.all([client.putValue(PEER, KEY, Uint8Array.of(1), signal), answer()])
  t.match(asked(), only({ type: 'PUT_VALUE', record: Uint8Array.of(1) }))
  t.equal(await outcome('PUT_VALUE'), 'ok')
})

t.test('a reset is a refusal', async t => {
  const { client, stream, outcome } = setUp()
  const refused = t.rejects(client.addProvider(PEER, KEY, SELF, signal), { name: 'StreamResetError' })
  await nextTurn()
  stream.resetRemote()
  await refused
  t.equal(await outcome('ADD_PROVIDER'), 'failed')
})

t.test('a peer that closes without an answer did not answer', async t => {
  const { client, stream } = setUp()
  const refused = t.rejects(client.ping(PEER, signal), { code: 'Timeout' })
  await nextTurn()
  stream.closeRemote()
  await refused
})

t.test('an answer to another question, or none that can be read, is none', async t => {
  const other = setUp({ type: 'FIND_NODE' })
  await Promise.all([t.rejects(other.client.ping(PEER, signal), { code: 'Internal' }), other.answer()])
  t.equal(other.stream.status, 'aborted')
  const garbage = setUp()
  const refused = t.rejects(garbage.client.ping(PEER, signal), { code: 'TooLarge' })
  await nextTurn()
  garbage.stream.receive(Buffer.alloc(4, 0xff))
  await refused
})

t.test('a wait ends with the caller’s signal', async t => {
  const { client, stream } = setUp()
  const controller = new AbortController()
  const refused = t.rejects(client.ping(PEER, controller.signal), { code: 'Timeout' })
  await nextTurn()
  controller.abort()
  await refused
  t.equal(stream.status, 'aborted')
})

t.test('a peer that cannot be dialled takes nothing', async t => {
  const metrics = createMetrics()
  const client = new RpcClient({ protocol: '/test/kad/1.0.0' }, { host: { dialProtocol: async () => { throw new Error('unreachable') } }, metrics: metrics.kad })
  await t.rejects(client.putValue(PEER, KEY, Uint8Array.of(1), signal), { message: 'unreachable' })
  t.equal(await metricValue(metrics, 'svc_dht_kad_outbound_rpc_total', 'type="PUT_VALUE",outcome="failed"'), 1)
})
