import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t from 'tap'
import type { Discv5Engine, NodeRecord } from '../../src/discv5/engine.ts'
import { RULES } from './conformance/rules.ts'
import { startIn, type MakeEngine } from './engines.ts'
import { until } from './network.ts'

/** How long a rule that is known to fail is waited for. */
const KNOWN_FAILURE_MS = Number(process.env.DISCV5_KNOWN_FAILURE_MS ?? 2000)

interface PortPromise {
  readonly name: string
  readonly check: (make: MakeEngine, stack: AsyncDisposableStack) => Promise<void>
}

export interface KnownFailure {
  readonly because: string
  readonly isNowAndThen?: true
}

/** What the port promises of every engine. */
const PROMISES: readonly PortPromise[] = [
  { name: 'its record says where it listens', check: tellsWhereItListens },
  { name: 'a ping is answered, and says where it was seen from', check: answersPing },
  { name: 'FINDNODE 0 gives its own record, byte by byte', check: givesOwnRecord },
  { name: 'TALKREQ goes to who registered; an unknown protocol and a failing handler are an empty reply', check: answersTalk },
  { name: 'a silent node is a Timeout', check: saysTimeout },
  { name: 'what is no record, or has no address, is a BadRequest', check: refusesBadRecords },
  { name: 'a record fed in is in the table, and known by its node ID', check: takesRecords },
  { name: 'a node that never answered is not told to others', check: tellsOnlyLiveNodes },
  { name: 'a node that answered is live in the table', check: marksLive },
  { name: 'a discovered record is told once, whatever its listener does', check: tellsDiscoveredOnce },
  { name: 'a lookup of a node that only one of ten knows finds it, and puts it first', check: looksUp },
  { name: 'a lookup that is cut off says so', check: saysCutOff },
  { name: 'bytes that are no packet change nothing', check: survivesNoise },
  { name: 'a port that is taken fails the start', check: failsOnTakenPort },
  { name: 'stop is safe twice and before a start', check: stopsTwice },
  { name: 'a ban silences an address until it is lifted', check: bans },
]

/**
 * Holds an engine to the port, and to the ten tests of devp2p. `knownFailures` says which it does not pass, and why; one of them that passes is
 * a failure too, so that the table stays true; what fails only now and then is left out.
 */
export function holdToPort (engine: string, make: MakeEngine, knownFailures: Readonly<Record<string, KnownFailure>> = {}): void {
  for (const { name, check } of PROMISES) {
    expectOrNot(`${engine}: ${name}`, knownFailures[name], async stack => await check(make, stack))
  }
  for (const { name, judge } of RULES) {
    expectOrNot(`${engine} passes ${name} of devp2p`, knownFailures[name], async stack => {
      const node = await startIn(stack, make())
      await judge(node.ownRecord().text, knownFailures[name] === undefined ? {} : { noticedWithinMs: KNOWN_FAILURE_MS })
    })
  }
  t.test(`${engine}: the known failures are all of this suite`, async t => {
    const names = new Set([...PROMISES, ...RULES].map(({ name }) => name))
    t.strictSame(Object.keys(knownFailures).filter(name => !names.has(name)), [])
  })
}

function expectOrNot (name: string, failure: KnownFailure | undefined, run: (stack: AsyncDisposableStack) => Promise<void>): void {
  const title = failure === undefined ? name : `${name}: not, because ${failure.because}`
  t.test(title, { skip: failure?.isNowAndThen === true && 'it passes now and then' }, async t => {
    await using stack = new AsyncDisposableStack()
    const attempt = run(stack)
    if (failure === undefined) await t.resolves(attempt)
    else await t.rejects(attempt, 'the table of known failures is out of date')
  })
}

async function pair (make: MakeEngine, stack: AsyncDisposableStack): Promise<[Discv5Engine, Discv5Engine]> {
  return [await startIn(stack, make()), await startIn(stack, make())]
}

async function tellsWhereItListens (make: MakeEngine, stack: AsyncDisposableStack): Promise<void> {
  const node = make()
  assert.deepEqual(node.listening(), [])
  await startIn(stack, node)
  const [{ ip = '', port = 0 } = {}] = node.listening()
  assert.equal(ip, '127.0.0.1')
  assert.ok(port > 0)
  const record = node.ownRecord()
  assert.equal(record.nodeId, node.nodeId)
  assert.deepEqual([...record.pairs.get('ip') ?? []], [127, 0, 0, 1])
  assert.equal(Number(`0x${Buffer.from(record.pairs.get('udp') ?? []).toString('hex')}`), port)
  assert.ok(record.text.startsWith('enr:'))
}

async function answersPing (make: MakeEngine, stack: AsyncDisposableStack): Promise<void> {
  const [a, b] = await pair(make, stack)
  const pong = await a.ping(b.ownRecord().text)
  assert.deepEqual({ ip: pong.ip, port: pong.port }, a.listening()[0])
  assert.equal(pong.enrSeq, b.ownRecord().seq)
  await a.ping(b.ownRecord().bytes) // the session is there by now, and bytes do as well as text
  await b.ping(a.ownRecord().text)
}

async function givesOwnRecord (make: MakeEngine, stack: AsyncDisposableStack): Promise<void> {
  const [a, b] = await pair(make, stack)
  const records = await a.findNode(b.ownRecord().text, [0])
  assert.deepEqual(records.map(({ text }) => text), [b.ownRecord().text])
}

async function answersTalk (make: MakeEngine, stack: AsyncDisposableStack): Promise<void> {
  const [a, b] = await pair(make, stack)
  const takeBack = b.onTalkRequest('echo', async ({ nodeId }, request) => Buffer.concat([Buffer.from(nodeId.slice(0, 2), 'hex'), request]))
  b.onTalkRequest('fails', () => { throw new Error('a handler with a bug') })
  const to = b.ownRecord().text
  const reply = await a.talkRequest(to, 'echo', Buffer.from('hello'))
  assert.equal(Buffer.from(reply).toString('hex'), a.nodeId.slice(0, 2) + Buffer.from('hello').toString('hex'))
  assert.equal((await a.talkRequest(to, 'fails', Buffer.from('x'))).length, 0)
  assert.equal((await a.talkRequest(to, 'nobody', Buffer.from('x'))).length, 0)
  takeBack()
  assert.equal((await a.talkRequest(to, 'echo', Buffer.from('x'))).length, 0)
}

async function saysTimeout (make: MakeEngine, stack: AsyncDisposableStack): Promise<void> {
  const [a, b] = await pair(make, stack)
  const { text } = b.ownRecord()
  await b.stop()
  await assert.rejects(a.ping(text), { code: 'Timeout' })
  await assert.rejects(a.findNode(text, [256]), { code: 'Timeout' })
}

async function refusesBadRecords (make: MakeEngine, stack: AsyncDisposableStack): Promise<void> {
  const node = await startIn(stack, make())
  const example = 'enr:-IS4QHCYrYZbAKWCBRlAy5zzaDZXJBGkcnh4MHcBFZntXNFrdvJjX04jRzjzCBOonrkTfj499SZuOh8R33Ls8RRcy5wBgmlkgnY0gmlwhH8AAAGJc2VjcDI1NmsxoQPKY0yuDUmstAHYpMa2_oxVtw0RW_QAdpzBQA8yWM0xOIN1ZHCCdl8'
  for (const bad of ['enr:', 'enr:-IS4Q', '', 'enode://x', example.replace('HCYr', 'HCYs'), randomBytes(100), new Uint8Array(400)]) {
    await assert.rejects(node.ping(bad), { code: 'BadRequest' })
    assert.equal(node.addRecord(bad), false)
  }
}

async function takesRecords (make: MakeEngine, stack: AsyncDisposableStack): Promise<void> {
  const [a, b] = await pair(make, stack)
  assert.equal(a.addRecord(b.ownRecord().text), true)
  assert.equal(a.addRecord(a.ownRecord().text), false)
  assert.equal(a.record(b.nodeId)?.text, b.ownRecord().text)
  assert.deepEqual(a.table().map(({ record }) => record.nodeId), [b.nodeId])
  assert.equal(a.stats().tableNodes, 1)
}

async function tellsOnlyLiveNodes (make: MakeEngine, stack: AsyncDisposableStack): Promise<void> {
  const [a, b] = await pair(make, stack)
  const silent = make()
  await silent.start()
  const record = silent.ownRecord()
  await silent.stop()
  assert.equal(a.addRecord(record.text), true)
  const told = await b.findNode(a.ownRecord().text, Array.from({ length: 17 }, (_, i) => 256 - i))
  assert.ok(!told.some(({ nodeId }) => nodeId === record.nodeId), 'a record that nobody vouches for is passed on')
}

async function marksLive (make: MakeEngine, stack: AsyncDisposableStack): Promise<void> {
  const [a, b] = await pair(make, stack)
  a.addRecord(b.ownRecord().text)
  await a.ping(b.ownRecord().text)
  await until(() => a.stats().liveNodes === 1)
  const [node] = a.table()
  assert.equal(node?.isLive, true)
  assert.ok((node?.lastSeen ?? 0) > Date.now() - 60_000)
  assert.equal(a.stats().liveNodes, 1)
  assert.ok(a.stats().sessions >= 1)
}

async function tellsDiscoveredOnce (make: MakeEngine, stack: AsyncDisposableStack): Promise<void> {
  const [a, b] = await pair(make, stack)
  const told: NodeRecord[] = []
  a.onDiscovered(() => { throw new Error('a listener with a bug') })
  const takeBack = a.onDiscovered(record => { told.push(record) })
  a.addRecord(b.ownRecord().text)
  await a.ping(b.ownRecord().text)
  await a.findNode(b.ownRecord().text, [0])
  await a.findNode(b.ownRecord().text, [0])
  assert.deepEqual(told.map(({ text }) => text), [b.ownRecord().text])
  takeBack()
}

async function looksUp (make: MakeEngine, stack: AsyncDisposableStack): Promise<void> {
  const nodes = await Promise.all(Array.from({ length: 10 }, async () => await startIn(stack, make())))
  const [first, ...others] = nodes as [Discv5Engine, ...Discv5Engine[]]
  for (const node of others) {
    node.addRecord(first.ownRecord().text)
    await node.ping(first.ownRecord().text) // makes itself known
    await first.ping(node.ownRecord().text)
  }
  await until(() => first.stats().liveNodes === others.length) // only then does it tell of them
  const asker = others[8] as Discv5Engine
  const sought = others[0] as Discv5Engine
  const { nodes: found, isComplete, requests } = await asker.lookup(sought.nodeId)
  assert.equal(isComplete, true)
  assert.ok(requests > 0)
  assert.equal(found[0]?.text, sought.ownRecord().text)
}

async function saysCutOff (make: MakeEngine, stack: AsyncDisposableStack): Promise<void> {
  const [a, b] = await pair(make, stack)
  a.addRecord(b.ownRecord().text)
  await b.stop()
  assert.equal((await a.lookup(b.nodeId, { signal: AbortSignal.abort() })).isComplete, false)
}

async function survivesNoise (make: MakeEngine, stack: AsyncDisposableStack): Promise<void> {
  const [a, b] = await pair(make, stack)
  const [{ ip = '', port = 0 } = {}] = b.listening()
  const socket = createSocket('udp4')
  stack.defer(() => { socket.close() })
  for (const size of [0, 1, 16, 39, 62, 63, 64, 95, 500, 1280, 1281, 2000]) socket.send(randomBytes(size), port, ip)
  await a.ping(b.ownRecord().text)
}

async function failsOnTakenPort (make: MakeEngine, stack: AsyncDisposableStack): Promise<void> {
  const socket = createSocket('udp4')
  stack.defer(() => { socket.close() })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  await assert.rejects(make({ port: socket.address().port }).start(), { name: 'DhtError' })
}

async function stopsTwice (make: MakeEngine, stack: AsyncDisposableStack): Promise<void> {
  const node = make()
  await node.stop()
  await startIn(stack, node)
  await node.stop()
  await node.stop()
  assert.deepEqual(node.listening(), [])
}

async function bans (make: MakeEngine, stack: AsyncDisposableStack): Promise<void> {
  const a = await startIn(stack, make({ ip: '127.0.0.2' }))
  const b = await startIn(stack, make())
  await a.ping(b.ownRecord().text)
  b.ban('127.0.0.2', 60_000, 'operator')
  assert.deepEqual(b.bans().map(({ subject, kind, reason }) => ({ subject, kind, reason })), [{ subject: '127.0.0.2', kind: 'ip', reason: 'operator' }])
  await assert.rejects(a.ping(b.ownRecord().text), { code: 'Timeout' })
  assert.equal(b.unban('127.0.0.2'), true)
  assert.equal(b.unban('127.0.0.2'), false)
  await a.ping(b.ownRecord().text)
}
