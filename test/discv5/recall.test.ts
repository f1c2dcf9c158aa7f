import { randomBytes } from 'node:crypto'
import t from 'tap'
import { compareDistance } from '../../src/discv5/table/distance.ts'
import { Network, startNode, until } from './network.ts'

const NODES = 80
const QUIET = { pingIntervalMs: 60_000, requestTimeoutMs: 5000 }

t.setTimeout(300_000) // eighty nodes handshake with eighty, on one core

t.test('80 nodes that speak the whole protocol: lookups find the 16 closest, of 96 at most one is missing, each with at most 40 requests', async t => {
  const network = new Network()
  const nodes = await Promise.all(Array.from({ length: NODES }, async (_, i) => await startNode(network, `127.0.0.${i + 1}`, 9000, QUIET)))
  t.teardown(async () => await Promise.all(nodes.map(async node => await node.stop())))
  for (const node of nodes) for (const other of nodes) node.addRecord(other.ownRecord().bytes)
  t.ok(await until(() => nodes.every(node => node.stats().liveNodes > 16 && node.stats().liveNodes === node.stats().tableNodes), 240_000), 'all tables are checked')
  let missed = 0
  for (let round = 0; round < 6; round++) {
    const target = randomBytes(32)
    const asker = nodes[round * 13] as typeof nodes[0]
    const { nodes: found, requests, isComplete } = await asker.lookup(target.toString('hex'))
    const expected = nodes.filter(node => node !== asker).map(({ nodeId }) => nodeId)
      .sort((a, b) => compareDistance(target, Buffer.from(a, 'hex'), Buffer.from(b, 'hex'))).slice(0, 16)
    const ids = found.map(({ nodeId }) => nodeId)
    missed += expected.filter(id => !ids.includes(id)).length
    t.equal(ids[0], expected[0])
    t.ok(isComplete)
    t.ok(requests <= 40, `${requests} requests`)
  }
  t.ok(missed <= 1, `${missed} missing`) // who is in none of the buckets that were asked, which are full
})

t.test('20 nodes that know one boot node come to know each other', async t => {
  const network = new Network()
  const first = await startNode(network, '127.0.0.1')
  const nodes = await Promise.all(Array.from({ length: 19 }, async (_, i) => await startNode(network, `127.0.0.${i + 2}`, 9000, { bootnodes: [first.ownRecord().text] })))
  t.teardown(async () => await Promise.all([first, ...nodes].map(async node => await node.stop())))
  t.ok(await until(() => [first, ...nodes].every(node => node.stats().liveNodes >= 15), 60_000))
})
