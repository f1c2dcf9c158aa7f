import { request, type IncomingMessage } from 'node:http'
import t, { type Test } from 'tap'
import { EventHub } from '../../../src/http/admin/event-hub.ts'
import type { Discv5RecordEvent } from '../../../src/http/admin/wire-discv5.ts'
import { toRecord, type Discv5Port } from '../../../src/http/admin/discv5.ts'
import type { NativeEngine } from '../../../src/discv5/native-engine.ts'
import { UdpSocket } from '../../../src/discv5/socket.ts'
import { until } from '../../daemon.ts'
import { createNode } from '../../discv5/network.ts'
import { only } from '../../patterns.ts'
import { fetchJson, NOW, open, startDaemon } from './fake-daemon.ts'

const ABSENT = 'ab'.repeat(32)

async function startNode (t: Test): Promise<NativeEngine> {
  const node = createNode([new UdpSocket({ ip: '127.0.0.1', port: 0 }, () => {})])
  await node.start()
  t.teardown(async () => await node.stop())
  return node
}

/** Sends a request; the client leaves when the answer is called. */
function sendAndLeave (socketPath: string, { body, ...call }: { readonly method: string, readonly path: string, readonly body: string, readonly headers: Readonly<Record<string, string>> }): () => void {
  const sent = request({ socketPath, agent: false, ...call }).on('error', () => {})
  sent.end(body)
  return () => { sent.destroy() }
}

/** Two nodes that do not know each other, and the admin API of the first with what it discovers. */
async function startStream (t: Test) {
  const [own, other] = [await startNode(t), await startNode(t)]
  const lagged = { count: 0 }
  const discovered = new EventHub<Discv5RecordEvent>({ limit: 50, limitBytes: 1e6 }, { onLagged: () => { lagged.count++ } })
  own.onDiscovered(record => discovered.publish({ topic: 'record', record: toRecord(record) }, NOW))
  return { own, other, discovered, lagged, socket: await startDaemon(t, { discv5: own, discovered }) }
}

/** What a stream said once it says this; it is left then. */
async function textWith (response: IncomingMessage, pattern: RegExp): Promise<string> {
  let text = ''
  for await (const chunk of response) {
    text += String(chunk)
    if (pattern.test(text)) break
  }
  return text
}

/** Two nodes that know each other, and the admin API of the first. */
async function startPair (t: Test) {
  const [own, other] = [await startNode(t), await startNode(t)]
  own.addRecord(other.ownRecord().bytes)
  await until(() => own.stats().liveNodes === 1 && other.stats().liveNodes === 1, 'they know each other')
  const socket = await startDaemon(t, { discv5: own })
  const post = async (name: string, body: unknown) => await fetchJson(socket, { method: 'POST', path: `/v1/discv5/${name}`, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
  return { own, other, post, get: async (path: string) => await fetchJson(socket, { path }) }
}

t.test('the node and its table are told as they are', async t => {
  const { own, other, get } = await startPair(t)
  t.match(await get('/v1/discv5'), {
    status: 200,
    body: {
      node_id: own.nodeId, seq: String(own.ownRecord().seq), enr: own.ownRecord().text, engine: 'native', features: only(...own.features), listening: only(...own.listening()), stats: { table_nodes: 1, live_nodes: 1, receive_buffer_bytes: Number },
    },
  })
  const { port } = other.listening()[0] ?? {}
  t.match(await get('/v1/discv5/table'), {
    status: 200, body: { nodes: only({ node_id: other.nodeId, enr: other.ownRecord().text, seq: String(other.ownRecord().seq), ip: '127.0.0.1', port, live: true, distance: Number, last_seen: /Z$/ }) },
  })
})

t.test('the operator has the node ping, ask and talk to another, by its record or its ID', async t => {
  const { own, other, post } = await startPair(t)
  other.onTalkRequest('echo', (_from, request) => Buffer.concat([request, Buffer.from('!')]))
  for (const node of [other.ownRecord().text, other.nodeId, other.nodeId.toUpperCase()]) {
    t.match(await post('ping', { node }), { status: 200, body: { seq: String(other.ownRecord().seq), seen_as: { ip: '127.0.0.1', port: own.listening()[0]?.port }, round_trip_ms: Number } })
    t.strictSame(await post('talk', { node, protocol: 'echo', request: 'c0FFee' }), { status: 200, body: { response: 'c0ffee21' } })
    t.strictSame(await post('talk', { node, protocol: 'nobody knows' }), { status: 200, body: { response: '' } })
    t.match(await post('nodes', { node, distances: [0] }), { status: 200, body: { nodes: only({ node_id: other.nodeId }) } })
  }
  const { body } = await post('lookup', { target: other.nodeId, count: 1 })
  t.match(body, { target: other.nodeId, complete: true, nodes: only({ node_id: other.nodeId }) })
})

t.test('who is not named rightly is not asked; a node that is not found is a no, and one that is silent is late', async t => {
  const { other, post } = await startPair(t)
  const enr = other.ownRecord().text
  for (const [name, body] of [
    ['ping', {}], ['ping', { node: 1 }], ['ping', { node: 'x' }], ['ping', { node: `${ABSENT}0` }], ['ping', { node: 'enr:' }], ['ping', { node: `${enr}A` }], ['ping', { node: `enr:${'A'.repeat(401)}` }], ['ping', { node: enr, x: 1 }],
    ['lookup', { target: enr }], ['lookup', { target: ABSENT, count: 0 }], ['lookup', { target: ABSENT, count: 17 }], ['lookup', { target: ABSENT, count: 1.5 }],
    ['nodes', { node: enr }], ['nodes', { node: enr, distances: [] }], ['nodes', { node: enr, distances: [257] }], ['nodes', { node: enr, distances: new Array(257).fill(256) }],
    ['talk', { node: enr }], ['talk', { node: enr, protocol: '' }], ['talk', { node: enr, protocol: 'é'.repeat(33) }], ['talk', { node: enr, protocol: 'x', request: 'abc' }], ['talk', { node: enr, protocol: 'x', request: 'aa'.repeat(1201) }],
  ] as const) t.match(await post(name, body), { status: 400, body: { error: { code: 'BadRequest' } } }, `${name} ${JSON.stringify(body).slice(0, 60)}`)
  t.match(await post('talk', { node: enr, protocol: 'x', request: 'aa'.repeat(1200) }), { status: 413, body: { error: { code: 'TooLarge' } } })
  t.match(await post('ping', { node: ABSENT }), { status: 404 })
  await other.stop()
  t.match(await post('ping', { node: enr }), { status: 504, body: { error: { code: 'Timeout', retryable: true } } })
})

t.test('an operator has four calls under way at most, and a client that leaves ends its lookup', async t => {
  const begun: AbortSignal[] = []
  const pending = { lookup: async (_target, { signal }) => { begun.push(signal); return await new Promise<never>((_resolve, reject) => { signal.addEventListener('abort', () => reject(signal.reason)) }) } } satisfies Partial<Discv5Port>
  const socket = await startDaemon(t, { discv5: pending as unknown as Discv5Port })
  const call = { method: 'POST', path: '/v1/discv5/lookup', body: JSON.stringify({ target: ABSENT }), headers: { 'content-type': 'application/json' } }
  const clients = Array.from({ length: 4 }, () => sendAndLeave(socket, call))
  await until(() => begun.length === 4, 'four are under way')
  t.match(await fetchJson(socket, call), { status: 429, body: { error: { code: 'Backpressure' } } })
  for (const leave of clients) leave()
  await until(() => begun.every(({ aborted }) => aborted), 'all were told to end')
})

t.test('records are told as they are discovered, as lines or as events, also those of a while ago', async t => {
  const { own, other, socket, discovered } = await startStream(t)
  const record = { node_id: other.nodeId, seq: String(other.ownRecord().seq), enr: other.ownRecord().text }
  const lines = await open(socket, { path: '/v1/discv5/records' })
  const events = await open(socket, { path: '/v1/discv5/records', headers: { accept: 'text/event-stream' } })
  t.match([lines, events].map(({ statusCode, headers }) => [statusCode, headers['content-type'], headers['cache-control']]), only(only(200, /^application\/x-ndjson/, 'no-store'), only(200, 'text/event-stream', 'no-store')))
  own.addRecord(other.ownRecord().bytes)
  own.addRecord(other.ownRecord().bytes)
  t.match(JSON.parse(await textWith(lines, /\{.*\}\n/)), { id: 1, at: new Date(NOW).toISOString(), topic: 'record', record })
  t.match(await textWith(events, /data: /), /^: events\n\nid: 1\nevent: record\ndata: \{/)
  t.equal(discovered.lastId, 1, 'a record that is known is not told again')
  t.match(await textWith(await open(socket, { path: `/v1/discv5/records?since=${new Date(NOW).toISOString()}` }), /\{/), other.nodeId)
  for (const query of ['since=now', 'topic=record']) t.match(await fetchJson(socket, { path: `/v1/discv5/records?${query}` }), { status: 400 }, query)
})

t.test('a reader of records that is too slow is let go and counted', async t => {
  const { socket, discovered, lagged } = await startStream(t)
  const slow = await open(socket, { path: '/v1/discv5/records' })
  slow.pause()
  slow.on('error', () => {})
  for (let told = 0; lagged.count === 0 && told < 20_000; told++) {
    discovered.publish({ topic: 'record', record: { node_id: ABSENT, seq: String(told), enr: 'x'.repeat(4000) } }, NOW)
    if (told % 20 === 0) await new Promise(resolve => setImmediate(resolve))
  }
  t.equal(lagged.count, 1)
  const closed = new Promise(resolve => slow.once('close', resolve))
  slow.resume()
  await closed
  t.notOk(slow.complete, 'it learns that its stream broke off')
})

t.test('a daemon without the plane says so on every route', async t => {
  const socket = await startDaemon(t)
  for (const path of ['', '/table', '/records']) t.match(await fetchJson(socket, { path: `/v1/discv5${path}` }), { status: 404, body: { error: { code: 'NotFound', hint: /discv5.enabled/ } } })
  for (const name of ['ping', 'lookup', 'nodes', 'talk']) {
    t.match(await fetchJson(socket, { method: 'POST', path: `/v1/discv5/${name}`, body: '{}', headers: { 'content-type': 'application/json' } }), { status: 404 })
  }
})
