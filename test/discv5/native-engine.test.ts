import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FileStateStore } from '../../src/discv5/saved-state.ts'
import { UdpSocket } from '../../src/discv5/socket.ts'
import { only } from '../patterns.ts'
import { createNode, Network, startNode, until } from './network.ts'

t.test('two nodes make a session and answer PING with where they see each other', async t => {
  const network = new Network()
  const a = await startNode(network, '127.0.0.1')
  const b = await startNode(network, '127.0.0.2')
  t.teardown(async () => await Promise.all([a.stop(), b.stop()]))
  const pong = await a.ping(b.ownRecord().text)
  t.match(pong, { ip: '127.0.0.1', port: 9000, enrSeq: b.ownRecord().seq })
  t.equal(a.stats().sessions, 1)
  t.ok(await until(() => b.table().some(({ record, isLive }) => record.nodeId === a.nodeId && isLive)), 'who made a session is asked, and then in the table')
})

t.test('many requests at once share one handshake, and all are answered', async t => {
  const network = new Network()
  const a = await startNode(network, '127.0.0.1')
  const b = await startNode(network, '127.0.0.2')
  t.teardown(async () => await Promise.all([a.stop(), b.stop()]))
  const pongs = await Promise.all(Array.from({ length: 20 }, async () => await a.ping(b.ownRecord().bytes)))
  t.equal(pongs.length, 20)
  t.equal(a.counts.events.out_handshake, 1)
  t.equal(b.stats().sessions, 1)
})

t.test('FINDNODE 0 is the own record; others are told only once they answered', async t => {
  const network = new Network()
  const a = await startNode(network, '127.0.0.1')
  const b = await startNode(network, '127.0.0.2')
  const silent = createNode([network.socket('127.0.0.3', 9000)], { external: { ip: '127.0.0.3', udp: 9000 } })
  t.teardown(async () => await Promise.all([a.stop(), b.stop()]))
  const own = await a.findNode(b.ownRecord().text, [0])
  t.strictSame(own.map(({ text }) => text), [b.ownRecord().text])
  t.ok(b.addRecord(silent.ownRecord().text))
  const all = Array.from({ length: 256 }, (_, i) => i + 1)
  t.ok(await until(() => b.table().some(({ record, isLive }) => record.nodeId === a.nodeId && isLive)))
  const found = await a.findNode(b.ownRecord().text, all)
  t.notOk(found.some(({ nodeId }) => nodeId === silent.nodeId), 'a record that nobody answered for is not passed on')
})

t.test('TALKREQ: an unknown protocol and a failing handler get the empty reply, a handler its own', async t => {
  const network = new Network()
  const a = await startNode(network, '127.0.0.1')
  const b = await startNode(network, '127.0.0.2')
  t.teardown(async () => await Promise.all([a.stop(), b.stop()]))
  t.equal((await a.talkRequest(b.ownRecord().text, 'nobody', Buffer.from('?'))).length, 0)
  const stop = b.onTalkRequest('echo', async (from, request) => Buffer.concat([Buffer.from(from.nodeId, 'hex'), request]))
  b.onTalkRequest('fails', () => { throw new Error('no') })
  const reply = await a.talkRequest(b.ownRecord().text, 'echo', Buffer.from('hi'))
  t.strictSame(Buffer.from(reply), Buffer.concat([Buffer.from(a.nodeId, 'hex'), Buffer.from('hi')]))
  t.equal((await a.talkRequest(b.ownRecord().text, 'fails', Buffer.from('?'))).length, 0)
  stop()
  t.equal((await a.talkRequest(b.ownRecord().text, 'echo', Buffer.from('?'))).length, 0)
  await t.rejects(a.talkRequest(b.ownRecord().text, 'echo', Buffer.alloc(1300)), { code: 'TooLarge' })
})

t.test('a node that does not answer is a Timeout; a record without address a BadRequest', async t => {
  const network = new Network()
  const a = await startNode(network, '127.0.0.1', 9000, { requestTimeoutMs: 40, retries: 1 })
  t.teardown(async () => await a.stop())
  const gone = createNode([], { external: { ip: '127.0.0.9', udp: 1 } })
  await t.rejects(a.ping(gone.ownRecord().text), { code: 'Timeout' })
  await t.rejects(a.ping(createNode([]).ownRecord().text), { code: 'BadRequest' })
  await t.rejects(a.ping('enr:nonsense'), { code: 'BadRequest' })
  t.equal(a.stats().pendingRequests, 0)
})

t.test('a node that lost its sessions is met again without the caller noticing', async t => {
  const network = new Network()
  const a = await startNode(network, '127.0.0.1')
  const key = randomBytes(32)
  const deps = { key: { privateKey: () => key } }
  const b = await startNode(network, '127.0.0.2', 9000, {}, deps)
  await a.ping(b.ownRecord().text)
  await b.stop()
  const again = await startNode(network, '127.0.0.2', 9000, {}, deps)
  t.teardown(async () => await Promise.all([a.stop(), again.stop()]))
  t.match(await a.ping(again.ownRecord().text), { port: 9000 })
  t.equal(a.counts.events.call_retry, 0)
})

t.test('two nodes that turn to each other at the same time both get their answers, at once', async t => {
  const network = new Network()
  const options = { requestTimeoutMs: 5000 }
  const a = await startNode(network, '127.0.0.1', 9000, options)
  const b = await startNode(network, '127.0.0.2', 9000, options)
  t.teardown(async () => await Promise.all([a.stop(), b.stop()]))
  const pongs = await Promise.all([a.ping(b.ownRecord().text), b.ping(a.ownRecord().text)])
  t.equal(pongs.length, 2)
  t.equal(a.counts.events.call_retry + b.counts.events.call_retry, 0)
  await Promise.all([a.ping(b.ownRecord().text), b.ping(a.ownRecord().text)])
  t.equal(a.counts.events.in_whoareyou, 1, 'and their sessions last')
})

t.test('with a fifth of all packets lost, every request is answered', async t => {
  let seed = 7
  const network = new Network(() => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    return seed / 0x7fffffff < 0.2
  })
  const options = { requestTimeoutMs: 60, retries: 12 }
  const a = await startNode(network, '127.0.0.1', 9000, options)
  const nodes = await Promise.all(Array.from({ length: 10 }, async (_, i) => await startNode(network, `127.0.1.${i}`, 9000, options)))
  t.teardown(async () => await Promise.all([a, ...nodes].map(async node => await node.stop())))
  const pongs = await Promise.all(nodes.map(async node => await a.ping(node.ownRecord().text)))
  t.equal(pongs.length, 10)
})

t.test('a node that starts again goes on with its sequence number and knows who answered', async t => {
  const network = new Network()
  const store = new FileStateStore(join(mkdtempSync(join(t.testdir(), 'x')), 'discv5.json'))
  const key = randomBytes(32)
  const deps = { key: { privateKey: () => key }, store }
  const b = await startNode(network, '127.0.0.2')
  const a = await startNode(network, '127.0.0.1', 9000, { bootnodes: [b.ownRecord().text] }, deps)
  t.ok(await until(() => a.stats().liveNodes === 1))
  const { text, seq } = a.ownRecord()
  await a.stop()
  await b.stop() // it cannot answer before the table is looked at
  const same = await startNode(network, '127.0.0.1', 9000, {}, deps)
  t.equal(same.ownRecord().text, text, 'nothing changed, so nothing is signed anew')
  t.match(same.table(), only({ isLive: false, lastSeen: 0 }), 'who is read back must answer before others hear of it')
  await same.stop()
  const moved = await startNode(network, '127.0.0.1', 9001, {}, deps)
  t.equal(moved.ownRecord().seq, seq + 1n)
  await moved.stop()
})

t.test('who is banned is not heard, and is again when the ban is lifted', async t => {
  const network = new Network()
  const a = await startNode(network, '10.0.0.1', 9000, { requestTimeoutMs: 50, retries: 0 })
  const b = await startNode(network, '10.0.1.2')
  t.teardown(async () => await Promise.all([a.stop(), b.stop()]))
  for (const subject of ['10.0.0.1', '10.0.0.0/24', a.nodeId]) {
    await a.ping(b.ownRecord().text)
    b.ban(subject, 60_000, 'test')
    t.match(b.bans(), only({ subject, reason: 'test' }))
    await t.rejects(a.ping(b.ownRecord().text), { code: 'Timeout' })
    await t.rejects(b.ping(a.ownRecord().text), { code: 'Conflict' }, 'nor is it asked: its answer would not be heard')
    t.ok(b.unban(subject))
    t.notOk(b.unban(subject))
  }
  t.throws(() => b.ban('somebody', 1), { code: 'BadRequest' } as unknown as Error)
})

t.test('over UDP: a taken port rejects the start with its address, and a burst of 1,000 PINGs loses none', async t => {
  const fail = (err: Error) => t.fail(err.message)
  const a = createNode([new UdpSocket({ ip: '127.0.0.1', port: 0 }, fail)], { requestTimeoutMs: 5000, retries: 0 })
  const b = createNode([new UdpSocket({ ip: '127.0.0.1', port: 0 }, fail)])
  await a.start()
  await b.start()
  t.teardown(async () => await Promise.all([a.stop(), b.stop()]))
  const [{ port = 0 } = {}] = b.listening()
  await t.rejects(createNode([new UdpSocket({ ip: '127.0.0.1', port }, fail)]).start(), { code: 'Conflict', message: `cannot listen on 127.0.0.1:${port} (another program uses this port): change discv5.listen` })
  t.ok(b.stats().receiveBufferBytes > 0)
  for (let i = 0; i < 1000; i += 25) await Promise.all(Array.from({ length: 25 }, async () => await a.ping(b.ownRecord().text)))
  t.equal(a.counts.events.call_timeout, 0)
  t.ok(a.counts.events.call_ok >= 1000)
})

t.test('random packets are counted, and the node goes on', async t => {
  const b = createNode([new UdpSocket({ ip: '127.0.0.1', port: 0 }, () => {})])
  await b.start()
  t.teardown(async () => await b.stop())
  const [{ port = 0 } = {}] = b.listening()
  const socket = createSocket('udp4')
  for (let i = 0; i < 2000; i++) socket.send(randomBytes(i % 1300), port, '127.0.0.1')
  await until(() => b.counts.drops.header + b.counts.drops.size >= 1900)
  socket.close()
  t.ok(b.counts.drops.header > 0)
  t.equal(b.counts.drops.internal, 0)
  t.equal(b.stats().sessions, 0)
})
