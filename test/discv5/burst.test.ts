import t from 'tap'
import type { Endpoint } from '../../src/discv5/engine.ts'
import { UdpSocket, type DatagramSocket } from '../../src/discv5/socket.ts'
import { encodePing } from '../../src/discv5/wire/message.ts'
import { createNode, Network, startNode, until } from './network.ts'
import { RawPeer } from './raw-peer.ts'

/** The same by UDP: one socket, bound where the test says. */
class UdpNetwork extends Network {
  #socket: UdpSocket | undefined

  override socket (ip: string, port: number): DatagramSocket {
    this.#socket = new UdpSocket({ ip, port }, () => {})
    return this.#socket
  }

  override send (_from: Endpoint, packet: Buffer, ip: string, port: number): void {
    this.#socket?.send(packet, ip, port)
  }
}

t.test('a burst of 1,000 PINGs, one behind the other, loses none', async t => {
  const node = createNode([new UdpSocket({ ip: '127.0.0.1', port: 0 }, () => {})], { pingIntervalMs: 1e9 })
  await node.start()
  t.teardown(async () => await node.stop())
  const network = new UdpNetwork()
  const peer = new RawPeer(network, node, '127.0.0.1', 0)
  t.ok(await until(() => {
    if (peer.challenges().length === 0) peer.random()
    return peer.challenges().length > 0
  }))
  const challenge = peer.challenges()[0]
  if (challenge === undefined) return t.fail()
  peer.handshake(challenge, encodePing(Buffer.from([1]), 0n))
  t.ok(await until(() => peer.messages().some(({ kind }) => kind === 'pong')))
  const before = node.counts.events.in_message
  for (let i = 0; i < 1000; i++) peer.message(encodePing(Buffer.from([i >> 8, i & 255]), 0n))
  t.ok(await until(() => node.counts.events.in_message >= before + 1000))
  t.ok(await until(() => peer.packets.length >= 1001))
  const answered = new Set(peer.messages().filter(({ kind }) => kind === 'pong').map(({ requestId }) => requestId.toString('hex')))
  t.equal(answered.size, 1001)
  await peer.close()
})

t.test('a node of both families speaks to each over its own, and tells both in its record', async t => {
  const network = new Network()
  const both = createNode([network.socket('127.0.0.1', 9000), network.socket('::1', 9001)])
  await both.start()
  const four = await startNode(network, '127.0.0.2')
  const six = await startNode(network, '::2')
  t.teardown(async () => await Promise.all([both, four, six].map(async node => await node.stop())))
  const record = both.ownRecord()
  t.strictSame([...record.pairs.keys()].filter(key => /^(ip|udp)/.test(key)), ['ip', 'ip6', 'udp', 'udp6'])
  t.match(await four.ping(record.text), { ip: '127.0.0.2' })
  t.match(await six.ping(record.text), { ip: '::2', port: 9000 })
  t.match(await both.ping(six.ownRecord().text), { ip: '::1', port: 9001 })
  await t.rejects(four.ping(six.ownRecord().text), { code: 'BadRequest' })
})
