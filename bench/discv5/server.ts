import type { Discv5Engine } from '../../src/discv5/engine.ts'
import { UdpSocket } from '../../src/discv5/socket.ts'
import { createNode } from '../../test/discv5/network.ts'
import { serveUsage } from '../server-process.ts'

/** All load comes from one address, and what a message costs is the question: neither server limits anything. */
const NONE = 1e9
const limits = {
  packetsPerSecond: NONE,
  packetsPerIpPerSecond: NONE,
  packetsPerSubnetPerSecond: NONE,
  packetsPerNodePerSecond: NONE,
  nodeIdsPerIp: NONE,
  whoareyouPerIpPerSecond: NONE,
  handshakesPerSecond: NONE,
  banAfter: NONE,
  banMs: 1,
}
const node = await make(process.argv[2] as Discv5Engine['name'])
await node.start()
serveUsage({ record: node.ownRecord().text }, () => node.stats().sessions)

/** The library is loaded only for its own server: it would count as memory of ours. */
async function make (engine: Discv5Engine['name']): Promise<Discv5Engine> {
  if (engine === 'chainsafe') return (await import('../../test/discv5/engines.ts')).makeChainsafe()
  return createNode([new UdpSocket({ ip: '127.0.0.1', port: 0 }, () => {})], { limits, sessions: 2000, requestTimeoutMs: 500, pingIntervalMs: 3000 })
}
