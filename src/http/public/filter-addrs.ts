import { multiaddr } from '@multiformats/multiaddr'
import type { PeerRecord } from '../../core/peer.ts'
import type { FilterNames } from './filter-names.ts'

/**
 * IPIP-484, Network Address Filtering: an address stays when it has none of the negated protocols and, if any are named
 * without `!`, at least one of those. A peer left without addresses is dropped; one that had none stays for `unknown`.
 */
export function filterAddrs (names: FilterNames | undefined) {
  const wanted = new Set(names?.filter(name => !name.startsWith('!')))
  const unwanted = new Set(names?.filter(name => name.startsWith('!')).map(name => name.slice(1)))
  const passes = (address: string): boolean => {
    const protocols = protocolsOf(address)
    return unwanted.isDisjointFrom(protocols) && (wanted.size === 0 || !wanted.isDisjointFrom(protocols))
  }
  return async function * (source: AsyncIterable<PeerRecord>): AsyncGenerator<PeerRecord> {
    for await (const record of source) {
      if (names === undefined || (record.addrs.length === 0 && wanted.has('unknown'))) {
        yield record
        continue
      }
      const addrs = record.addrs.filter(passes)
      if (addrs.length > 0) yield { ...record, addrs }
    }
  }
}

function protocolsOf (address: string): ReadonlySet<string> {
  try {
    return new Set(multiaddr(address).getComponents().map(({ name }) => name))
  } catch {
    return new Set(address.toLowerCase().split('/')) // a protocol newer than our table: its name is still readable
  }
}
