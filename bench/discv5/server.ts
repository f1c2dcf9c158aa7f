import { makeChainsafe, makeNative } from '../../test/discv5/engines.ts'
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
const make = process.argv[2] === 'native' ? makeNative : makeChainsafe
const node = make({ limits })
await node.start()
serveUsage({ record: node.ownRecord().text })
