import { serveUsage } from '../server-process.ts'
import { startBenchKad, UNHINDERED } from '../surroundings.ts'
import { addressesOf, fillTable, keyOf, peerOf } from './fill.ts'

// Our Kademlia plane as the daemon runs it, without quotas that a single load generator would hit.

const [records = 0, peers = 0] = process.argv.slice(2).map(Number)
const kad = await startBenchKad(UNHINDERED)
await fillTable(kad.host, peers)
globalThis.gc?.()
const rssBefore = process.memoryUsage.rss()
const expiresAt = Date.now() + 86_400_000
for (let index = 0; index < records; index++) {
  const provider = index % 1000
  kad.records.hold({ key: keyOf(Math.floor(index / 3)), provider: peerOf(provider).toMultihash().bytes, addrs: addressesOf(provider), prefix: undefined }, expiresAt)
}
globalThis.gc?.()
serveUsage({ address: kad.host.getMultiaddrs()[0]?.toString(), rssPerRecord: (process.memoryUsage.rss() - rssBefore) / records })
