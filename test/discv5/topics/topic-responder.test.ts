import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { signRecord } from '../../../src/discv5/enr/record.ts'
import { ipBytes } from '../../../src/discv5/ip.ts'
import { uintBytes } from '../../../src/discv5/rlp.ts'
import { logDistance } from '../../../src/discv5/table/distance.ts'
import { speaksOfTopics } from '../../../src/discv5/topics/capability.ts'
import { TOPIC_PARAMETERS } from '../../../src/discv5/topics/parameters.ts'
import { encodePing } from '../../../src/discv5/wire/message.ts'
import { decodeTopicAnswer, encodeRegtopic, encodeTopicquery, type TopicAnswer } from '../../../src/discv5/wire/topic-message.ts'
import { curve, LIMITS, Network, startNode, until } from '../network.ts'
import { RawPeer } from '../raw-peer.ts'
import { topicOf } from './advertisers.ts'

const ID = Buffer.from([0, 0, 0, 1])
const PING = encodePing(ID, 0n)
const NONE = Buffer.alloc(0)
const { lifetimeMs: E } = TOPIC_PARAMETERS

// A registrar, spoken to by packets made by hand.

async function setUp (t: Test, limits = {}) {
  const network = new Network()
  const clock = { now: 1_800_000_000_000 }
  const node = await startNode(network, '8.1.0.1', 9000, { pingIntervalMs: 1e9, topics: TOPIC_PARAMETERS, limits: { ...LIMITS, ...limits } }, { now: () => clock.now })
  t.teardown(async () => await node.stop())
  const greet = async (ip: string) => {
    const peer = new RawPeer(network, node, ip)
    await peer.greet(PING)
    return peer
  }
  return { network, clock, node, greet }
}

/** What a peer is answered to one message. */
async function ask (peer: RawPeer, message: Buffer): Promise<TopicAnswer[]> {
  const before = peer.messages().length
  peer.message(message)
  await peer.settled()
  return peer.messages().slice(before).flatMap(answer => answer.kind === 'topic-answer' ? [decodeTopicAnswer(answer.plaintext)] : [])
}

const query = async (peer: RawPeer, topic = topicOf(1)) => (await ask(peer, encodeTopicquery(ID, topic, []))).flatMap(answer => answer.kind === 'topicnodes' ? answer.records : [])

async function register (peer: RawPeer, clock: { now: number }, topic = topicOf(1)): Promise<TopicAnswer | undefined> {
  const [first] = await ask(peer, encodeRegtopic(ID, topic, peer.record.bytes, NONE, []))
  if (first?.kind !== 'regconfirmation') return first
  clock.now += first.waitMs
  return (await ask(peer, encodeRegtopic(ID, topic, peer.record.bytes, first.ticket, [])))[0]
}

t.test('the record of a node says that it speaks of topics, when it does', async t => {
  const { network, node } = await setUp(t)
  t.ok(speaksOfTopics(node.ownRecord()))
  t.strictSame([...node.ownRecord().pairs.get('ng') ?? []], [1])
  const without = await startNode(network, '8.1.0.2')
  t.teardown(async () => await without.stop())
  t.notOk(speaksOfTopics(without.ownRecord()))
  const says = (pairs: Record<string, Uint8Array>) => speaksOfTopics({ pairs: new Map(Object.entries(pairs)) })
  t.ok(says({ 'topic-discovery': Buffer.from([1]) }), 'its long name')
  t.notOk(says({ ng: Buffer.from([2]) }), 'another version')
  t.notOk(says({ ng: NONE }))
})

t.test('a node registers by its ticket and is told to who asks, until its time is over', async t => {
  const { clock, node, greet } = await setUp(t)
  const [advertiser, other] = [await greet('9.1.1.1'), await greet('200.1.1.1')]
  t.match(await register(advertiser, clock), { kind: 'regconfirmation', total: 1, ticket: NONE, waitMs: E })
  t.strictSame((await query(other)).map(String), [String(advertiser.record.bytes)])
  t.strictSame(await query(other, topicOf(2)), [])
  t.equal(node.stats().topicAds, 1)
  clock.now += E
  t.strictSame(await query(other), [])
  t.ok(await until(() => node.stats().topicAds === 0))
  const { admitted, waiting, query: queries, query_empty: empty } = node.counts.topics
  t.strictSame([admitted, waiting, queries, empty], [1, 1, 1, 2])
})

t.test('who registers another’s record, a record without the address it asks from, or none, is not answered', async t => {
  const { node, greet } = await setUp(t)
  const [peer, other] = [await greet('9.1.1.1'), await greet('9.1.2.1')]
  const elsewhere = signRecord(2n, { ip: ipBytes('77.1.1.1'), udp: uintBytes(9000) }, peer.key, curve)
  t.strictSame(await ask(peer, encodeRegtopic(ID, topicOf(1), other.record.bytes, NONE, [])), [])
  t.strictSame(await ask(peer, encodeRegtopic(ID, topicOf(1), elsewhere.bytes, NONE, [])), [])
  t.strictSame(await ask(peer, encodeRegtopic(ID, topicOf(1), Buffer.from('c20102', 'hex'), NONE, [])), [])
  t.match(node.counts.topics, { refused_record: 2, refused_address: 1, waiting: 0 })
})

t.test('a request about a topic costs more than others, and the limits of a node hold before any of its work', async t => {
  const { node, greet } = await setUp(t, { packetsPerNodePerSecond: 10 })
  const peer = await greet('9.1.1.1')
  for (let i = 0; i < 30; i++) peer.message(encodeTopicquery(ID, topicOf(1), []))
  await peer.settled()
  t.equal(peer.messages().filter(({ kind }) => kind !== 'ping').length, 1 + 7, 'the PONG, and what 39 tokens buy at 5 each')
  t.equal(node.counts.topics.query_empty, 7)
  t.ok(node.counts.drops.limit_topic > 0)
})

t.test('auxiliary records are those of live nodes that speak of topics, one for each distance asked for', async t => {
  const { network, clock, node, greet } = await setUp(t)
  const others = await Promise.all(Array.from({ length: 6 }, async (_, i) => await startNode(network, `${20 + i}.1.1.1`, 9000, { topics: i < 5 ? TOPIC_PARAMETERS : undefined })))
  t.teardown(async () => await Promise.all(others.map(async other => await other.stop())))
  for (const other of others) node.addRecord(other.ownRecord().bytes)
  t.ok(await until(() => {
    clock.now += 20
    return node.stats().liveNodes === 6
  }))
  const peer = await greet('9.1.1.1')
  const distanceOf = (id: string) => logDistance(topicOf(1), Buffer.from(id, 'hex'))
  const distances = [...new Set(others.map(({ nodeId }) => distanceOf(nodeId)))]
  const capable = new Set(others.slice(0, 5).map(({ nodeId }) => distanceOf(nodeId)))
  const before = peer.messages().length
  peer.message(encodeTopicquery(ID, topicOf(1), distances))
  await peer.settled()
  const answers = peer.messages().slice(before)
  const told = answers.flatMap(message => message.kind === 'nodes' ? message.records : [])
  t.equal(told.length, capable.size)
  t.ok(told.every(bytes => others.slice(0, 5).some(other => bytes.equals(other.ownRecord().bytes))))
  t.equal(answers.filter(({ kind }) => kind === 'topic-answer').length, 1)
})

t.test('an advertisement of a private address is told to nobody outside; who is banned or dropped has none', async t => {
  const { clock, node, greet } = await setUp(t)
  const [lan, outside] = [await greet('10.0.0.5'), await greet('200.1.1.1')]
  await register(lan, clock)
  t.equal(node.stats().topicAds, 1)
  t.strictSame(await query(outside), [])
  node.ban('10.0.0.5', 60_000)
  t.equal(node.stats().topicAds, 0)
  const third = await greet('60.1.1.1')
  await register(third, clock)
  t.equal(node.stats().topicAds, 1)
  node.drop(third.record.nodeId)
  t.equal(node.stats().topicAds, 0)
})

t.test('no bytes in a topic message make the node fail', async t => {
  const { node, greet } = await setUp(t)
  const peer = await greet('127.0.0.9')
  const types = fc.constantFrom(7, 8, 9, 10)
  const messages = fc.sample(fc.tuple(types, fc.uint8Array({ maxLength: 60 })), 300).map(([type, rest]) => Buffer.from([type, 0xc0 + Math.min(rest.length, 55), ...rest.subarray(0, 55)]))
  for (const message of messages) peer.message(message)
  peer.message(Buffer.concat([encodeRegtopic(ID, topicOf(1), peer.record.bytes, NONE, []), randomBytes(3)]))
  await peer.settled()
  t.equal(node.counts.drops.internal, 0)
  t.ok(node.counts.drops.rlp + node.counts.drops.message + node.counts.drops.no_call > 250)
  t.equal((await ask(peer, encodeTopicquery(ID, topicOf(1), []))).length, 1, 'and the next good one is answered')
})
