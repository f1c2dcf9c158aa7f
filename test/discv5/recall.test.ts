import { createHash } from 'node:crypto'
import t from 'tap'
import { compareDistance } from '../../src/discv5/table/distance.ts'
import { IdleClock, Network, startNode, until } from './network.ts'

const NODES = 80
const LOOKUPS = 80

t.setTimeout(300_000) // eighty nodes handshake with eighty, on one core

const bytesOf = (name: string): Buffer => createHash('sha256').update(name).digest()

t.test('80 nodes that speak the whole protocol: lookups find the 16 closest, all of them, each with at most 40 requests', async t => {
  // Keys and targets are the same each time, and so are the tables: time stands still, so that nothing but the protocol decides.
  const network = new Network()
  const start = async (_: unknown, i: number) => await startNode(network, `127.0.0.${i + 1}`, 9000, {}, { key: { privateKey: () => bytesOf(`node ${i}`) }, now: () => 1_000_000, random: () => 0.5 })
  const nodes = await Promise.all(Array.from({ length: NODES }, start))
  t.teardown(async () => await Promise.all(nodes.map(async node => await node.stop())))
  for (const node of nodes) for (const other of nodes) node.addRecord(other.ownRecord().bytes)
  t.ok(await until(() => nodes.every(node => node.stats().liveNodes > 16 && node.stats().liveNodes === node.stats().tableNodes), 240_000), 'all tables are checked')
  let missed = 0
  for (let round = 0; round < LOOKUPS; round++) {
    const target = bytesOf(`target ${round}`)
    const asker = nodes[round] as typeof nodes[0]
    const { nodes: found, requests, isComplete } = await asker.lookup(target.toString('hex'))
    const expected = nodes.filter(node => node !== asker).map(({ nodeId }) => nodeId)
      .sort((a, b) => compareDistance(target, Buffer.from(a, 'hex'), Buffer.from(b, 'hex'))).slice(0, 16)
    const ids = found.map(({ nodeId }) => nodeId)
    missed += expected.filter(id => !ids.includes(id)).length
    t.equal(ids[0], expected[0])
    t.ok(isComplete)
    t.ok(requests <= 40, `${requests} requests`)
  }
  t.equal(missed, 0, `of ${LOOKUPS * 16}`)
})

t.test('20 nodes that know one boot node come to know each other', async t => {
  const network = new Network()
  const clock = new IdleClock(network)
  const first = await startNode(network, '127.0.0.1', 9000, {}, clock)
  const nodes = await Promise.all(Array.from({ length: 19 }, async (_, i) => await startNode(network, `127.0.0.${i + 2}`, 9000, { bootnodes: [first.ownRecord().text] }, clock)))
  t.teardown(async () => {
    clock.stop()
    await Promise.all([first, ...nodes].map(async node => await node.stop()))
  })
  t.ok(await until(() => [first, ...nodes].every(node => node.stats().liveNodes >= 15), 240_000))
})
