import t, { type Test } from 'tap'
import type { NativeOptions } from '../../src/discv5/native-options.ts'
import { encodePing } from '../../src/discv5/wire/message.ts'
import { Network, startNode } from './network.ts'
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
