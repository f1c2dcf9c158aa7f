import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import type { NativeOptions } from '../../src/discv5/native-options.ts'
import { encodePing } from '../../src/discv5/wire/message.ts'
import { only } from '../patterns.ts'
import { LIMITS, Network, startNode, until } from './network.ts'
import { RawPeer } from './raw-peer.ts'

// Nodes that keep to the letter of the protocol, and mean harm.

const ID = Buffer.from([0, 0, 0, 1])
const PING = encodePing(ID, 0n)

async function setUp (t: Test, options: Partial<NativeOptions> = {}) {
  const network = new Network()
  const clock = { now: 1_000_000 }
  const node = await startNode(network, '8.8.4.4', 9000, { pingIntervalMs: 1e9, ...options }, { now: () => clock.now })
  t.teardown(async () => await node.stop())
  return { network, clock, node }
}

t.test('who keeps naming a newer record than it has is asked for it once in a while, however often it says so', async t => {
  const { network, node, clock } = await setUp(t)
  const peer = new RawPeer(network, node, '9.9.9.9')
  await peer.greet(PING)
  const asked = (): number => peer.messages().filter(({ kind }) => kind === 'findnode').length
  for (let i = 0; i < 200; i++) peer.message(encodePing(ID, 2n ** 64n - 1n - BigInt(i)))
  await peer.settled()
  t.equal(asked(), 1)
  t.equal(node.counts.drops.limit_queue, 0, 'the room for requests of ours is not used up')
  clock.now += 10_000
  peer.message(encodePing(ID, 7n))
  await peer.settled()
  t.ok(asked() >= 2, 'a node that has a newer one is asked again later')
})

t.test('packets forged in the name of a node neither have it shut out nor keep its answers away', async t => {
  const { network, node } = await setUp(t, { limits: { ...LIMITS, packetsPerIpPerSecond: 5, banAfter: 10 }, retries: 0, requestTimeoutMs: 1000 })
  const friend = await startNode(network, '9.9.9.9', 9000, { pingIntervalMs: 1e9 })
  t.teardown(async () => await friend.stop())
  for (let i = 0; i < 3000; i++) network.send({ ip: '9.9.9.9', port: 9000 }, randomBytes(80), '8.8.4.4', 9000)
  t.ok(await until(() => node.counts.drops.limit_ip === 2980))
  t.strictSame(node.bans(), [])
  t.match(await node.ping(friend.ownRecord().text), { ip: '8.8.4.4' })
})

t.test('a node that floods over its session is shut out', async t => {
  const { network, node } = await setUp(t, { limits: { ...LIMITS, packetsPerNodePerSecond: 5, banAfter: 50 } })
  const peer = new RawPeer(network, node, '9.9.9.9')
  await peer.greet(PING)
  for (let i = 0; i < 100; i++) peer.message(PING)
  await peer.settled()
  t.match(node.bans(), only({ subject: '9.9.9.9', reason: 'over its message limit' }))
})

t.test('who names the ID of a known node from elsewhere does not get what is kept for that node', async t => {
  const { network, node } = await setUp(t, { limits: { ...LIMITS, handshakesPerSecond: 5 } })
  const known = new RawPeer(network, node, '9.9.9.9')
  await known.greet(PING)
  const [challenge] = known.challenges()
  if (challenge === undefined) return t.fail()
  const send = known.raw.bind(known)
  for (let port = 1; port < 60; port++) {
    known.raw = bytes => send(bytes, { ip: '6.6.6.6', port })
    known.random()
    known.handshake(challenge, PING, { wrong: 'signature' })
  }
  known.raw = send
  await known.settled()
  t.ok(node.counts.drops.limit_handshake > 0)
  const before = node.counts.events.session_new
  known.writeKey = undefined
  await known.greet(PING)
  t.equal(node.counts.events.session_new, before + 1)
})

t.test('one node that makes a session at each port of its host pushes out nobody else’s', async t => {
  const { network, node } = await setUp(t, { sessions: 60 })
  const friend = new RawPeer(network, node, '9.9.9.9')
  await friend.greet(PING)
  const hostile = new RawPeer(network, node, '6.6.6.6')
  const send = hostile.raw.bind(hostile)
  for (let port = 1; port <= 100; port++) {
    const socket = network.socket('6.6.6.6', port)
    await socket.bind(bytes => { hostile.take(bytes) })
    hostile.raw = bytes => send(bytes, { ip: '6.6.6.6', port })
    hostile.writeKey = undefined
    await hostile.greet(PING)
  }
  t.ok(node.counts.events.session_new > 60)
  const before = friend.pongs()
  friend.message(PING)
  await friend.settled()
  t.equal(friend.pongs(), before + 1)
})
