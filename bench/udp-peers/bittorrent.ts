import { createHash } from 'node:crypto'
import { Client } from 'bittorrent-dht'
import { serveUsage } from '../server-process.ts'

// A bittorrent-dht node that is alone in the world, with a routing table of nodes that are not there.

const [peers = 0] = process.argv.slice(2).map(Number)
const node = new Client({ bootstrap: false, host: '127.0.0.1', maxPeers: 10_000_000 })
await new Promise<void>(resolve => node.listen(0, '127.0.0.1', () => resolve()))
for (let index = 0; index < peers; index++) {
  node.addNode({ host: `127.1.${index >> 8}.${1 + (index & 255)}`, port: 4001, id: createHash('sha1').update(`peer ${index}`).digest() })
}
serveUsage({ port: node.address().port })
