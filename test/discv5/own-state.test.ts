import { randomBytes } from 'node:crypto'
import { mkdtempSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { OwnRecord } from '../../src/discv5/enr/own-record.ts'
import { toLibp2pPorts } from '../../src/discv5/enr/libp2p-ports.ts'
import { FileStateStore } from '../../src/discv5/saved-state.ts'
import { createNode, curve, Network, startNode, until } from './network.ts'

t.test('the own record is signed anew only when it says something else', async t => {
  const own = new OwnRecord(randomBytes(32), { ip: '127.0.0.1', udp: 1 }, curve)
  const before = own.current
  t.notOk(own.update({ udp: 1 }))
  t.equal(own.current, before)
  t.ok(own.update({ udp: 2 }))
  t.equal(own.current.seq, before.seq + 1n)
  t.strictSame(own.current.endpoints(), [{ ip: '127.0.0.1', port: 2 }])
})

t.test('the sequence number goes on from the last run, and not from another key’s record', async t => {
  const key = randomBytes(32)
  const first = new OwnRecord(key, { udp: 1 }, curve).current
  t.equal(new OwnRecord(key, { udp: 1 }, curve, first).current, first)
  t.equal(new OwnRecord(key, { udp: 2 }, curve, first).current.seq, 2n)
  t.equal(new OwnRecord(randomBytes(32), { udp: 2 }, curve, first).current.seq, 1n)
})

t.test('the libp2p ports are told by family and transport', async t => {
  const addresses = ['/ip4/127.0.0.1/tcp/7464/ws', '/ip4/127.0.0.1/tcp/7460/p2p/12D3', '/ip4/127.0.0.1/udp/7461/quic-v1', '/ip6/::1/tcp/7462', '/dns4/x/tcp/1']
  t.strictSame(toLibp2pPorts(addresses), { tcp: 7460, tcp6: 7462, quic: 7461, quic6: undefined })
})

t.test('state is written for its owner alone and read back; a damaged file is no state', async t => {
  const path = join(mkdtempSync(join(t.testdir(), 'x')), 'deep', 'discv5.json')
  const store = new FileStateStore(path)
  t.equal(await store.load(), undefined)
  await store.save({ own: 'enr:a', nodes: ['enr:b'] })
  t.strictSame(await store.load(), { own: 'enr:a', nodes: ['enr:b'] })
  t.equal(statSync(path).mode & 0o777, 0o600)
  for (const text of ['', '{', 'null', '[]', '{"own":1,"nodes":[]}', '{"own":"x","nodes":{}}']) {
    writeFileSync(path, text)
    t.equal(await store.load(), undefined, text)
  }
})

t.test('records from disk are verified again: what is spoiled is left out, and the node starts', async t => {
  const network = new Network()
  const other = await startNode(network, '127.0.0.2')
  const good = other.ownRecord().text
  const spoiled = `${good.slice(0, 30)}${good[30] === 'A' ? 'B' : 'A'}${good.slice(31)}`
  const node = await startNode(network, '127.0.0.1', 9000, {}, { store: { load: async () => ({ own: spoiled, nodes: [spoiled, 'x', good] }), save: async () => {} } })
  t.teardown(async () => await Promise.all([node.stop(), other.stop()]))
  t.equal(node.table().length, 1)
  t.ok(await until(() => node.table()[0]?.isLive === true))
})

t.test('the node takes the address that ten others of ten subnets see, and never over the operator’s', async t => {
  const network = new Network()
  const crowd = await Promise.all(Array.from({ length: 12 }, async (_, i) => await startNode(network, `9.9.${i}.1`)))
  const bootnodes = crowd.map(node => node.ownRecord().text)
  const open = network.socket('8.8.8.8', 9000)
  const socket = { ...open, bind: async (onPacket: (packet: Buffer, ip: string, port: number) => void) => ({ ...await open.bind(onPacket), ip: '0.0.0.0' }) }
  const node = createNode([socket], { bootnodes })
  await node.start()
  t.teardown(async () => await Promise.all([node, ...crowd].map(async one => await one.stop())))
  t.notOk(node.ownRecord().pairs.has('ip'), 'a node that listens everywhere does not know where it is')
  t.ok(await until(() => node.ownRecord().pairs.has('ip')))
  t.strictSame([...node.ownRecord().pairs.get('ip') ?? []], [8, 8, 8, 8])
  const told = await startNode(network, '8.8.7.7', 9000, { bootnodes, external: { ip: '1.1.1.1', udp: 5 } })
  t.teardown(async () => await told.stop())
  t.ok(await until(() => told.stats().liveNodes >= 12))
  t.strictSame([...told.ownRecord().pairs.get('ip') ?? []], [1, 1, 1, 1])
})

t.test('the address that others agreed on is told again after a restart, until they agree on another; one of the operator’s comes first', async t => {
  const secret = randomBytes(32)
  const last = new OwnRecord(secret, { ip: '8.8.8.8', udp: 9000 }, curve).current
  const start = async (own: string, listening: string, options: Parameters<typeof createNode>[1] = {}, key = secret) => {
    const bare = new Network().socket('8.8.8.8', 9001)
    const socket = { ...bare, bind: async (onPacket: (packet: Buffer, ip: string, port: number) => void) => ({ ...await bare.bind(onPacket), ip: listening }) }
    const node = createNode([socket], options, { key: { privateKey: () => key }, store: { load: async () => ({ own, nodes: [] }), save: async () => {} } })
    await node.start()
    t.teardown(async () => await node.stop())
    return node.ownRecord()
  }
  const again = await start(last.text, '0.0.0.0')
  t.equal(again.text, last.text)
  t.strictSame([...(await start(last.text, '127.0.0.1')).pairs.get('ip') ?? []], [127, 0, 0, 1], 'it knows where it listens')
  t.strictSame([...(await start(last.text, '0.0.0.0', { external: { ip: '1.1.1.1' } })).pairs.get('ip') ?? []], [1, 1, 1, 1])
  t.notOk((await start(last.text, '0.0.0.0', {}, randomBytes(32))).pairs.has('ip'), 'another key’s record says nothing')
})
