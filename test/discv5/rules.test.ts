import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { NativeOptions } from '../../src/discv5/native-options.ts'
import { signRecord } from '../../src/discv5/enr/record.ts'
import { uintBytes } from '../../src/discv5/rlp.ts'
import { logDistance } from '../../src/discv5/table/distance.ts'
import { encodeFindnode, encodeNodes, encodePing, encodePong, encodeTalkreq } from '../../src/discv5/wire/message.ts'
import { only } from '../patterns.ts'
import { curve, LIMITS, Network, startNode, until } from './network.ts'
import { RawPeer } from './raw-peer.ts'

// One test for each rule of discv5 that others rely on, against packets made by hand.

const ID = Buffer.from([0, 0, 0, 1])
const PING = encodePing(ID, 0n)

async function setUp (t: Test, { ip = '127.0.0.2', ...options }: Partial<NativeOptions> & { readonly ip?: string } = {}) {
  const network = new Network()
  const clock = { now: 1_000_000 }
  const node = await startNode(network, '127.0.0.1', 9000, { pingIntervalMs: 1e9, ...options }, { now: () => clock.now })
  t.teardown(async () => await node.stop())
  return { network, clock, node, peer: new RawPeer(network, node, ip) }
}

t.test('an unknown sender is asked who it is: nonce of its packet, sequence number 0', async t => {
  const { peer } = await setUp(t)
  const nonce = peer.random()
  await peer.settled()
  t.equal(peer.packets.length, 1)
  t.match(peer.packets[0], { nonce, authdata: { kind: 'whoareyou', enrSeq: 0n } })
  t.equal(peer.packets[0]?.bytes.length, 63)
})

t.test('while a challenge is pending the same one is sent again; after its time there is a new one', async t => {
  const { peer, clock } = await setUp(t)
  peer.random()
  peer.random()
  await peer.settled()
  clock.now += 999
  peer.random()
  await peer.settled()
  t.equal(peer.packets.length, 3)
  t.equal(new Set(peer.packets.map(({ bytes }) => bytes.toString('hex'))).size, 1)
  clock.now += 2
  const nonce = peer.random()
  await peer.settled()
  t.strictSame(peer.packets[3]?.nonce, nonce)
})

t.test('a handshake makes a session, and its message is answered', async t => {
  const { peer, node } = await setUp(t)
  await peer.greet(PING)
  t.match(peer.messages(), only({ kind: 'pong', requestId: ID, ip: '127.0.0.2', port: 9000, enrSeq: node.ownRecord().seq }))
  peer.message(encodePing(Buffer.alloc(0), 0n))
  await peer.settled()
  t.ok(peer.messages().some(({ kind, requestId }) => kind === 'pong' && requestId.length === 0), 'an empty request ID comes back empty')
})

t.test('a challenge is good for one try', async t => {
  const { peer, node } = await setUp(t)
  peer.random()
  await peer.settled()
  const [challenge] = peer.challenges()
  if (challenge === undefined) return t.fail()
  peer.handshake(challenge, PING, { wrong: 'signature' })
  await peer.settled()
  peer.handshake(challenge, PING)
  await peer.settled()
  t.equal(node.stats().sessions, 0)
  t.match(node.counts.drops, { bad_proof: 1, no_challenge: 1 })
})

t.test('a handshake with a wrong signature, a key off the curve, another’s record, or none when it was asked for is dropped', async t => {
  for (const [options, reason] of [[{ wrong: 'signature' }, 'bad_proof'], [{ wrong: 'ephemeral' }, 'key'], [{ wrong: 'record' }, 'bad_proof'], [{ withRecord: false }, 'bad_proof']] as const) {
    const { peer, node } = await setUp(t)
    peer.random()
    await peer.settled()
    const [challenge] = peer.challenges()
    if (challenge === undefined) return t.fail()
    peer.handshake(challenge, PING, options)
    await peer.settled()
    t.equal(node.stats().sessions, 0)
    t.equal(node.counts.drops[reason], 1, reason)
    t.equal(node.counts.drops.internal, 0)
  }
})

t.test('a handshake that nobody asked for, or after its time, is dropped', async t => {
  const { peer, node, clock } = await setUp(t)
  peer.random()
  await peer.settled()
  const [challenge] = peer.challenges()
  if (challenge === undefined) return t.fail()
  clock.now += 1001
  peer.handshake(challenge, PING)
  await peer.settled()
  t.equal(node.counts.drops.no_challenge, 1)
})

t.test('who is known is told its sequence number, and may leave its record out', async t => {
  const { peer, node } = await setUp(t)
  await peer.greet(PING)
  t.equal(node.record(peer.id.toString('hex'))?.seq, 1n)
  peer.writeKey = undefined
  peer.message(PING) // a key that the node cannot read
  await peer.settled()
  const challenge = peer.challenges().at(-1)
  t.match(challenge?.authdata, { enrSeq: 1n })
  if (challenge === undefined) return t.fail()
  peer.handshake(challenge, PING, { withRecord: false })
  await peer.settled()
  t.ok(peer.messages().some(({ kind }) => kind === 'pong'))
})

t.test('a session is of one endpoint: from another port the sender is asked again', async t => {
  const { peer, node } = await setUp(t)
  await peer.greet(PING)
  const before = node.counts.events.out_whoareyou
  const sent: Buffer[] = []
  const original = peer.raw.bind(peer)
  peer.raw = bytes => { sent.push(bytes) }
  peer.message(PING)
  peer.raw = original
  peer.raw(sent[0] as Buffer, { ip: '127.0.0.2', port: 9009 })
  await peer.settled()
  t.equal(node.counts.events.out_whoareyou, before + 1)
})

t.test('a request ID of more than 8 bytes gets no answer', async t => {
  const { peer, node } = await setUp(t)
  await peer.greet(PING)
  peer.message(encodePing(Buffer.alloc(9, 1), 0n))
  await peer.settled()
  t.equal(peer.pongs(), 1, 'that of the handshake')
  t.equal(node.counts.drops.request_id, 1)
})

t.test('an unknown TALKREQ gets the empty answer, with its request ID', async t => {
  const { peer } = await setUp(t)
  await peer.greet(encodeTalkreq(ID, Buffer.from('test-protocol'), Buffer.from('hi')))
  await peer.settled()
  t.ok(peer.messages().some(message => message.kind === 'talkresp' && message.response.length === 0 && message.requestId.equals(ID)))
})

t.test('FINDNODE 0 is the own record, one and alone; nobody there is an answer too', async t => {
  const { peer, node } = await setUp(t)
  await peer.greet(encodeFindnode(ID, [0]))
  t.match(peer.messages().filter(({ kind }) => kind === 'nodes'), only({ total: 1, records: { length: 1 } }))
  peer.message(encodeFindnode(ID, [1, 2]))
  await peer.settled()
  const [own, none] = peer.messages().filter(message => message.kind === 'nodes')
  t.strictSame(own?.records[0], node.ownRecord().bytes)
  t.match(none, { total: 1, records: { length: 0 } })
})

t.test('topic messages are counted and not answered', async t => {
  const { peer, node } = await setUp(t)
  await peer.greet(PING)
  const before = peer.packets.length
  peer.message(Buffer.from('07c401808080', 'hex'))
  await peer.settled()
  t.equal(peer.packets.length, before)
  t.equal(node.counts.drops.topic, 1)
})

t.test('packets of another protocol or for another node are not answered', async t => {
  const { peer, node } = await setUp(t)
  for (let i = 0; i < 50; i++) peer.raw(randomBytes(100))
  peer.raw(Buffer.alloc(62))
  peer.raw(Buffer.alloc(1281))
  await peer.settled()
  t.equal(peer.packets.length, 0)
  t.equal(node.counts.drops.header + node.counts.drops.size, 52)
})

t.test('WHOAREYOU counts only for a packet of ours, and from where it was sent', async t => {
  const { peer, node } = await setUp(t)
  peer.whoareyou(randomBytes(12))
  await peer.settled()
  t.match(node.counts.drops, { no_call: 1 })
  const pinging = node.ping(peer.record.text).catch(() => 'stopped')
  await peer.settled()
  const [asked] = peer.packets
  if (asked === undefined) return t.fail()
  t.equal(asked.authdata.kind, 'message')
  peer.raw = bytes => RawPeer.prototype.raw.call(peer, bytes, { ip: '127.0.0.66', port: 9000 })
  peer.whoareyou(asked.nonce)
  await peer.settled()
  t.match(node.counts.drops, { wrong_endpoint: 1 })
  t.equal(node.counts.events.out_handshake, 0)
  await node.stop()
  t.equal(await pinging, 'stopped')
})

t.test('the handshake of ours holds our record when the other side does not have it, and not when it has', async t => {
  for (const [enrSeq, has] of [[0n, true], [1n, false], [7n, true]] as const) {
    const { peer, node } = await setUp(t)
    const seq = node.ownRecord().seq
    const pinging = node.ping(peer.record.text).catch(() => {})
    await peer.settled()
    peer.whoareyou(peer.packets[0]?.nonce ?? randomBytes(12), enrSeq === 1n ? seq : enrSeq)
    await peer.settled()
    const sent = peer.packets.at(-1)?.authdata
    t.equal(sent?.kind === 'handshake' && sent.record !== undefined, has)
    await node.stop()
    await pinging
  }
})

t.test('an answer that nobody asked for does nothing', async t => {
  const { peer, node } = await setUp(t)
  await peer.greet(PING)
  peer.message(encodePong(ID, 1n, Buffer.from([9, 9, 9, 9]), 1))
  for (const part of encodeNodes(ID, [peer.record.bytes])) peer.message(part)
  await peer.settled()
  t.equal(node.counts.drops.no_call, 2)
})

t.test('records at distances that were not asked for, of private hosts told by the public, or wrongly signed are not taken', async t => {
  const network = new Network()
  const asker = await startNode(network, '8.8.4.4', 9000, { pingIntervalMs: 1e9 })
  const peer = new RawPeer(network, asker, '8.8.8.8')
  t.teardown(async () => await asker.stop())
  await peer.greet(PING)
  const at = (ip: number[]) => signRecord(1n, { ip: Buffer.from(ip), udp: uintBytes(9) }, randomBytes(32), curve)
  const spoiled = Buffer.from(at([9, 9, 9, 9]).bytes)
  spoiled[20] = (spoiled[20] as number) ^ 1
  const asking = asker.findNode(peer.record.text, [0])
  await peer.settled()
  const asked = peer.messages().find(({ kind }) => kind === 'findnode')
  if (asked === undefined) return t.fail()
  for (const part of encodeNodes(asked.requestId, [at([9, 9, 9, 9]).bytes, peer.record.bytes, spoiled])) peer.message(part)
  t.strictSame((await asking).map(({ nodeId }) => nodeId), [peer.id.toString('hex')])
  t.match(asker.counts.drops, { wrong_distance: 1, signature: 1 })

  const all = Array.from({ length: 256 }, (_, i) => i + 1)
  const again = asker.findNode(peer.record.text, all)
  await peer.settled()
  const next = peer.messages().filter(({ kind }) => kind === 'findnode').at(-1)
  if (next === undefined) return t.fail()
  for (const part of encodeNodes(next.requestId, [at([10, 0, 0, 1]).bytes, at([127, 0, 0, 1]).bytes, at([9, 9, 9, 9]).bytes])) peer.message(part)
  t.equal((await again).length, 1)
})

t.test('no nonce is used twice, and its first 32 bits count the messages', async t => {
  const { peer, node } = await setUp(t)
  await peer.greet(PING)
  for (let i = 0; i < 50; i++) peer.message(PING)
  await peer.settled()
  const nonces = peer.packets.filter(({ authdata }) => authdata.kind === 'message').map(({ nonce }) => nonce)
  t.ok(nonces.length >= 51)
  t.equal(new Set(nonces.map(nonce => nonce.toString('hex'))).size, nonces.length)
  t.strictSame(nonces.slice(0, 20).map(nonce => nonce.readUInt32BE(0)), Array.from({ length: 20 }, (_, i) => i))
  t.equal(node.counts.events.out_whoareyou, 1)
})

t.test('who made a session is PINGed at its record’s address, and told to others once it answered', async t => {
  const { peer, node } = await setUp(t)
  await peer.greet(PING)
  t.ok(await until(() => peer.messages().some(({ kind }) => kind === 'ping')))
  t.match(node.table(), only({ isLive: false }))
  const ping = peer.messages().find(({ kind }) => kind === 'ping')
  if (ping === undefined) return t.fail()
  peer.message(encodePong(ping.requestId, 1n, Buffer.from([127, 0, 0, 1]), 9000))
  await peer.settled()
  t.match(node.table(), only({ isLive: true, ip: '127.0.0.2', port: 9000 }))
})

t.test('a flood of forged packets gets few WHOAREYOU, makes no session, and a known node is still answered', async t => {
  const network = new Network()
  const node = await startNode(network, '8.8.4.4', 9000, { limits: { ...LIMITS, whoareyouPerIpPerSecond: 5 }, pingIntervalMs: 1e9 })
  t.teardown(async () => await node.stop())
  const friend = new RawPeer(network, node, '9.9.9.9')
  await friend.greet(PING)
  const victim = new RawPeer(network, node, '7.7.7.7')
  for (let i = 0; i < 3000; i++) victim.random()
  await victim.settled()
  t.ok(victim.packets.length <= 25, `${victim.packets.length} packets reach the victim`)
  t.ok(node.counts.drops.limit_whoareyou > 0)
  const before = friend.pongs()
  friend.message(PING)
  await friend.settled()
  t.equal(friend.pongs(), before + 1)
  t.equal(node.stats().sessions, 1)
})

t.test('a flood of handshakes stays within its budget', async t => {
  const network = new Network()
  const node = await startNode(network, '8.8.4.4', 9000, { limits: { ...LIMITS, handshakesPerSecond: 5 }, pingIntervalMs: 1e9 })
  t.teardown(async () => await node.stop())
  const peers = Array.from({ length: 60 }, (_, i) => new RawPeer(network, node, `9.9.${i}.9`))
  for (const peer of peers) await peer.greet(PING)
  t.ok(node.counts.drops.limit_handshake >= 25)
  t.ok(node.stats().sessions <= 35)
})

t.test('an answer has the request ID byte by byte, from none to eight bytes, zeros in front', async t => {
  const { peer } = await setUp(t)
  await peer.greet(PING)
  const ids = ['', '00', '0000', '0001', '0000000000000000', 'ff00000000000000'].map(hex => Buffer.from(hex, 'hex'))
  for (const id of ids) for (const message of [encodePing(id, 0n), encodeFindnode(id, [0]), encodeTalkreq(id, Buffer.from('x'), Buffer.alloc(0))]) peer.message(message)
  await peer.settled()
  for (const kind of ['pong', 'nodes', 'talkresp'] as const) {
    const got = peer.messages().filter(message => message.kind === kind).slice(kind === 'pong' ? 1 : 0)
    t.strictSame(got.map(({ requestId }) => requestId.toString('hex')), ids.map(id => id.toString('hex')), kind)
  }
})

t.test('a challenge is of one endpoint: its answer from another port, or by another node, makes no session', async t => {
  const { peer, node, network } = await setUp(t)
  peer.random()
  await peer.settled()
  const [challenge] = peer.challenges()
  if (challenge === undefined) return t.fail()
  const original = peer.raw.bind(peer)
  peer.raw = bytes => original(bytes, { ip: '127.0.0.2', port: 9009 })
  peer.handshake(challenge, PING)
  new RawPeer(network, node, '127.0.0.3').handshake(challenge, PING)
  await peer.settled()
  t.equal(node.counts.drops.no_challenge, 2)
  t.equal(node.stats().sessions, 0)
  peer.raw = original
  peer.handshake(challenge, PING)
  await peer.settled()
  t.equal(node.stats().sessions, 1, 'whom it was sent to may still answer it')
})

t.test('who has not answered is told to nobody; who has is, at its distance and at no other', async t => {
  const { peer, node, network } = await setUp(t)
  await peer.greet(PING)
  const other = new RawPeer(network, node, '127.0.0.3')
  await other.greet(PING)
  const distance = logDistance(peer.id, Buffer.from(node.nodeId, 'hex'))
  const told = async (at: number): Promise<number> => {
    const before = other.messages().length
    other.message(encodeFindnode(ID, [at]))
    await other.settled()
    return other.messages().slice(before).filter(message => message.kind === 'nodes').flatMap(({ records }) => records).filter(record => record.equals(peer.record.bytes)).length
  }
  t.equal(await told(distance), 0)
  t.ok(await until(() => peer.messages().some(({ kind }) => kind === 'ping')))
  t.equal(await told(distance), 0, 'a PING is under way, and no more')
  const ping = peer.messages().find(({ kind }) => kind === 'ping')
  peer.message(encodePong(ping?.requestId ?? ID, 1n, Buffer.from([127, 0, 0, 1]), 9000))
  await peer.settled()
  t.equal(await told(distance), 1)
  t.equal(await told(distance === 256 ? 255 : distance + 1), 0)
})

t.test('FINDNODE gives sixteen records at most, in at most five packets of which none exceeds 1280 bytes', async t => {
  const network = new Network()
  const node = await startNode(network, '127.0.0.1', 9000, { pingIntervalMs: 100 })
  const others = await Promise.all(Array.from({ length: 30 }, async (_, i) => await startNode(network, `127.0.1.${i + 1}`, 9000, { bootnodes: [node.ownRecord().text], pingIntervalMs: 1e9 })))
  t.teardown(async () => await Promise.all([node, ...others].map(async one => await one.stop())))
  t.ok(await until(() => node.stats().liveNodes > 20, 20_000))
  const peer = new RawPeer(network, node, '127.0.0.2')
  await peer.greet(encodeFindnode(ID, Array.from({ length: 256 }, (_, i) => 256 - i)))
  const parts = peer.messages().filter(message => message.kind === 'nodes')
  t.equal(parts.flatMap(({ records }) => records).length, 16)
  t.ok(parts.length <= 5 && parts.every(({ total }) => total === parts.length))
  t.ok(peer.packets.every(({ bytes }) => bytes.length <= 1280))
})

t.test('whatever a node with a session writes, nothing fails but its message, and the next one is answered', async t => {
  const { peer, node } = await setUp(t)
  await peer.greet(PING)
  const valid = [PING, encodeFindnode(ID, [0, 256]), encodeTalkreq(ID, Buffer.from('x'), randomBytes(40)), encodePong(ID, 1n, Buffer.alloc(4, 9), 9), ...encodeNodes(ID, [peer.record.bytes])]
  const damaged = fc.tuple(fc.constantFrom(...valid), fc.nat(), fc.nat(255), fc.nat(12)).map(([message, at, byte, cut]) => {
    const bytes = Buffer.from(message.subarray(0, Math.max(1, message.length - cut)))
    bytes[at % bytes.length] = byte
    return bytes
  })
  const messages = fc.sample(fc.oneof(fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)), damaged), 2000)
  for (const message of messages) peer.message(message)
  await peer.settled()
  t.equal(node.counts.drops.internal, 0)
  const { rlp, message, request_id: id, no_call: unasked } = node.counts.drops
  t.ok(rlp + message + id + unasked > 1000, 'they were read')
  const before = peer.pongs()
  peer.message(PING)
  await peer.settled()
  t.equal(peer.pongs(), before + 1)
})
