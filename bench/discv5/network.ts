import { parseArgs } from 'node:util'
import { makeNative } from '../../test/discv5/engines.ts'
import { until } from '../../test/discv5/network.ts'
import { serveUsage } from '../server-process.ts'

/** A discv5 overlay on loopback: nodes of ours, each with an address of its own, whose tables are full and checked. */

const { positionals: [count = '80'] } = parseArgs({ allowPositionals: true })
const nodes = await Promise.all(Array.from({ length: Number(count) }, async (_, i) => {
  const node = makeNative({ ip: `127.0.1.${i + 1}`, pingIntervalMs: 60_000, requestTimeoutMs: 5000 })
  await node.start()
  return node
}))
for (const node of nodes) for (const other of nodes) node.addRecord(other.ownRecord().bytes)
const isFull = await until(() => nodes.every(node => node.stats().liveNodes > Math.min(16, nodes.length - 2) && node.stats().liveNodes === node.stats().tableNodes), 120_000)
if (!isFull) throw new Error('the tables of the network are not checked after two minutes')
serveUsage({ records: nodes.map(node => node.ownRecord().text) })
