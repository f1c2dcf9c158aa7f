import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { createDelegatedRoutingV1HttpApiServer } from '@helia/delegated-routing-v1-http-api-server'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { serveUsage } from '../server-process.ts'

// Helia's Delegated Routing server over js-libp2p with the stock kad-dht. Of Helia it uses the routing alone.

const host = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify(), ping: ping(), dht: kadDHT({ protocol: '/ron/kad/1.0.0', clientMode: false, peerInfoMapper: passthroughMapper }) },
})
type Helia = Parameters<typeof createDelegatedRoutingV1HttpApiServer>[0]
const app = await createDelegatedRoutingV1HttpApiServer({ routing: host.contentRouting } as unknown as Helia, { listen: { host: '127.0.0.1', port: 0 } })
serveUsage({ url: app.listeningOrigin, address: host.getMultiaddrs()[0]?.toString() })
