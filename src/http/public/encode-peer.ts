import type { PeerRecord } from '../../core/peer.ts'
import { isPrivateIp } from '../../policy/ip-group.ts'

/** Each peer as one line of JSON in the Peer schema of Delegated Routing V1, without the line's end. */
export async function * encodePeers (source: AsyncIterable<PeerRecord>): AsyncGenerator<string> {
  for await (const { id, addrs, protocols } of source) {
    yield JSON.stringify({ Schema: 'peer', ID: id, Addrs: dialableFirst(addrs), Protocols: protocols })
  }
}

/**
 * Clients dial in the order given: direct before relayed, public before private. Equal ones go by their text, so that equal
 * answers are equal bytes.
 */
function dialableFirst (addrs: readonly string[]): string[] {
  return addrs
    .map(address => ({ address, rank: (isRelayed(address) ? 2 : 0) + (isPrivate(address) ? 1 : 0) }))
    .sort((a, b) => a.rank - b.rank || (a.address < b.address ? -1 : 1))
    .map(({ address }) => address)
}

function isRelayed (address: string): boolean {
  return address.includes('/p2p-circuit')
}

function isPrivate (address: string): boolean {
  const ip = /^\/ip[46]\/([^/]+)/.exec(address)?.[1]
  return ip !== undefined && isPrivateIp(ip)
}
