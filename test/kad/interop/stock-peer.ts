import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Libp2p, Stream } from '@libp2p/interface'
import { kadDHT, passthroughMapper, type KadDHT } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { ipnsSelector } from 'ipns/selector'
import { ipnsValidator } from 'ipns/validator'
import { createLibp2p } from 'libp2p'
import type { Test } from 'tap'
import type { Daemon } from '../../../src/compose.ts'
import { joinAddress, until } from '../../daemon.ts'

const PROTOCOL = '/ron/kad/1.0.0'

export type StockPeer = Libp2p<{ dht: KadDHT }>

/** js-libp2p with its own kad-dht, as others run it, joined to the overlay through a daemon or another peer. */
export async function startStockPeer (t: Test, through: Pick<Daemon, 'addresses'>, mode: 'client' | 'server' = 'client'): Promise<StockPeer> {
  const peer = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 1000 },
    services: {
      identify: identify(),
      ping: ping(),
      dht: kadDHT({
        protocol: PROTOCOL,
        clientMode: mode === 'client',
        peerInfoMapper: passthroughMapper,
        validators: { ipns: ipnsValidator },
        selectors: { ipns: ipnsSelector },
        initialQuerySelfInterval: 10,
      }),
    },
  })
  t.teardown(async () => { await peer.stop() })
  await peer.dial(multiaddr(joinAddress(through)))
  await until(() => tableSize(peer) > 0, 'the stock peer sees a server')
  return peer as unknown as StockPeer
}

/** A stream on the overlay's protocol, to say things that a stock peer would not. */
export async function openRawStream (peer: Libp2p, to: Pick<Daemon, 'addresses'>): Promise<Stream> {
  return await peer.dialProtocol(multiaddr(joinAddress(to)), PROTOCOL)
}

/** A libp2p host that speaks no DHT by itself. */
export async function startBareHost (t: Test): Promise<Libp2p> {
  const host = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping() },
  })
  t.teardown(async () => { await host.stop() })
  return host
}

export function tableSize (peer: Libp2p<{ dht: unknown }> | Libp2p): number {
  return (peer as unknown as { services: { dht: { routingTable: { size: number } } } }).services.dht.routingTable.size
}
