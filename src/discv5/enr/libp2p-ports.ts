import type { OwnAddresses } from './own-record.ts'

/** What a record says of a libp2p host with these multiaddrs: the first port of each family and transport. WebSockets have no key in records. */
export function toLibp2pPorts (multiaddrs: readonly string[]): OwnAddresses {
  const first = (form: RegExp): number | undefined => {
    const port = multiaddrs.map(text => form.exec(text)?.[1]).find(found => found !== undefined)
    return port === undefined ? undefined : Number(port)
  }
  return {
    tcp: first(/^\/ip4\/[\d.]+\/tcp\/(\d+)(?:\/p2p\/\w+)?$/),
    tcp6: first(/^\/ip6\/[0-9a-f:]+\/tcp\/(\d+)(?:\/p2p\/\w+)?$/),
    quic: first(/^\/ip4\/[\d.]+\/udp\/(\d+)\/quic-v1(?:\/p2p\/\w+)?$/),
    quic6: first(/^\/ip6\/[0-9a-f:]+\/udp\/(\d+)\/quic-v1(?:\/p2p\/\w+)?$/),
  }
}
