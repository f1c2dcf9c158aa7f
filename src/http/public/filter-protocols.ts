import type { PeerRecord } from '../../core/peer.ts'
import type { FilterNames } from './filter-names.ts'

/**
 * IPIP-484, IPFS Protocol Filtering: a peer stays when it speaks any of the named transfer protocols, or when none of its
 * protocols is known and `unknown` is named. It keeps all its protocols.
 */
export function filterProtocols (names: FilterNames | undefined) {
  const wanted = new Set(names)
  const passes = ({ protocols }: PeerRecord): boolean =>
    protocols.length === 0 ? wanted.has('unknown') : protocols.some(protocol => wanted.has(protocol.toLowerCase()))
  return async function * (source: AsyncIterable<PeerRecord>): AsyncGenerator<PeerRecord> {
    for await (const record of source) {
      if (names === undefined || passes(record)) yield record
    }
  }
}
