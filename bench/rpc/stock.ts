import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { PeerId } from '@libp2p/interface'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { CID } from 'multiformats/cid'
import { serveUsage } from '../server-process.ts'
import { addressesOf, cidOf, fillTable, peerOf } from './fill.ts'

// js-libp2p with the stock kad-dht server and its in-memory datastore.

const [records = 0, peers = 0] = process.argv.slice(2).map(Number)
const host = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionManager: { inboundConnectionThreshold: 1000 },
  services: { identify: identify(), ping: ping(), dht: kadDHT({ protocol: '/ron/kad/1.0.0', clientMode: false, peerInfoMapper: passthroughMapper }) },
})
await fillTable(host, peers)
for (let index = 0; index < Math.min(records, 1000); index++) {
  await host.peerStore.patch(peerOf(index), { multiaddrs: addressesOf(index).map(bytes => multiaddr(bytes)) })
}
globalThis.gc?.()
const rssBefore = process.memoryUsage.rss()
const { providers } = (host as unknown as { services: { dht: { providers: { addProvider (cid: CID, peer: PeerId): Promise<void> } } } }).services.dht
for (let index = 0; index < records; index++) await providers.addProvider(cidOf(Math.floor(index / 3)), peerOf(index % 1000))
globalThis.gc?.()
serveUsage({ address: host.getMultiaddrs()[0]?.toString(), rssPerRecord: (process.memoryUsage.rss() - rssBefore) / records })
