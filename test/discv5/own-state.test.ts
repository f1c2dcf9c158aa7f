import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { OwnRecord } from '../../src/discv5/enr/own-record.ts'
import { toLibp2pPorts } from '../../src/discv5/enr/libp2p-ports.ts'
import { FileStateStore } from '../../src/discv5/saved-state.ts'
import { encodePing } from '../../src/discv5/wire/message.ts'
import { createNode, curve, LIMITS, Network, startNode, until } from './network.ts'
import { RawPeer } from './raw-peer.ts'

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
  const bans = [{ subject: '9.9.9.9', reason: 'why', until: 5 }]
  await store.save({ own: 'enr:a', nodes: ['enr:b'], bans })
  t.strictSame(await store.load(), { own: 'enr:a', nodes: ['enr:b'], bans })
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
  const node = await startNode(network, '127.0.0.1', 9000, {}, { store: { load: async () => ({ own: spoiled, nodes: [spoiled, 'x', good], bans: [] }), save: async () => {} } })
  t.teardown(async () => await Promise.all([node.stop(), other.stop()]))
  t.equal(node.table().length, 1)
  t.ok(await until(() => node.table()[0]?.isLive === true))
})

t.test('bans of an operator outlast a restart until they end or are lifted, and those of the protections do not', async t => {
  const store = new FileStateStore(join(t.testdir(), 'discv5.json'))
  const network = new Network()
  const clock = { now: 1_000_000 }
  const start = async (options: Parameters<typeof createNode>[1] = {}) => await startNode(network, '127.0.0.1', 9000, { pingIntervalMs: 1e9, ...options }, { store, now: () => clock.now })
  const other = await startNode(network, '127.0.0.2')
  t.teardown(async () => await other.stop())
  const first = await start({ limits: { ...LIMITS, packetsPerNodePerSecond: 1, banAfter: 3 } })
  const flooder = new RawPeer(network, first, '8.8.8.8')
  await flooder.greet(encodePing(Buffer.of(1), 0n))
  for (let i = 0; i < 10; i++) flooder.message(encodePing(Buffer.of(1), 0n))
  t.ok(await until(() => first.bans().length === 1))
  first.ban('127.0.0.2', 60_000, 'it lies')
  first.ban('9.9.9.0/24', 10_000)
  first.ban('ab'.repeat(32), 60_000)
  first.unban('ab'.repeat(32))
  t.equal(first.bans().length, 3)
  await first.stop()
  clock.now += 20_000
  const second = await start({ bootnodes: [other.ownRecord().text] })
  t.teardown(async () => await second.stop())
  t.strictSame(second.bans(), [{ subject: '127.0.0.2', kind: 'ip', reason: 'it lies', until: 1_060_000 }])
  t.equal(second.table().length, 0, 'its record is not taken')
  t.ok(second.unban('127.0.0.2'))
  t.ok(await until(() => readFileSync(join(t.testdirName, 'discv5.json'), 'utf8').includes('"bans":[]')), 'written at once')
})

t.test('a kept ban that could not have been made is not taken, and the node starts', async t => {
  const network = new Network()
  const good = { subject: '9.9.9.9', reason: 'r', until: 2_000_000 }
  const bad = [{ subject: '9.9.9.0/8' }, { subject: 'x' }, { subject: '9.9.9.0/24/24' }, { until: 1_000_000 }, { until: Number.NaN }, { until: 1e15 }, { reason: 'r'.repeat(201) }].map(part => ({ ...good, ...part }))
  const node = await startNode(network, '127.0.0.1', 9000, {}, { now: () => 1_000_000, store: { load: async () => ({ own: 'x', nodes: [], bans: [...bad, good] }), save: async () => {} } })
  t.teardown(async () => await node.stop())
  t.strictSame(node.bans(), [{ ...good, kind: 'ip' }])
})

t.test('no content of the file stops a node from starting', async t => {
  const path = join(t.testdir(), 'discv5.json')
  const store = new FileStateStore(path)
  const json = fc.oneof(fc.jsonValue(), fc.record({
    own: fc.oneof(fc.string(), fc.jsonValue()),
    nodes: fc.oneof(fc.array(fc.oneof(fc.string(), fc.jsonValue())), fc.jsonValue()),
    bans: fc.oneof(fc.array(fc.oneof(fc.jsonValue(), fc.record({
      subject: fc.oneof(fc.ipV4(), fc.string()), reason: fc.oneof(fc.string(), fc.jsonValue()), until: fc.oneof(fc.double(), fc.integer(), fc.string()),
    }))), fc.jsonValue()),
  }, { requiredKeys: [] })).map(value => JSON.stringify(value))
  await fc.assert(fc.asyncProperty(fc.oneof(json, fc.string(), json.map(text => text.slice(0, text.length / 2))), async text => {
    writeFileSync(path, text)
    const state = await store.load()
    const node = await startNode(new Network(), '127.0.0.1', 9000, {}, { store })
    const counts = node.table().length + node.bans().length
    await node.stop()
    return counts <= (state?.nodes.length ?? 0) + (state?.bans.length ?? 0)
  }), { numRuns: 60 })
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
    const node = createNode([socket], options, { key: { privateKey: () => key }, store: { load: async () => ({ own, nodes: [], bans: [] }), save: async () => {} } })
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
