import type { PeerRecord } from '../core/peer.ts'

/** For sightings of one peer: the first with addresses ends the search; without any, the peer as it was seen first. */
export async function * firstWithAddresses (source: AsyncIterable<PeerRecord>): AsyncGenerator<PeerRecord> {
  let bare: PeerRecord | undefined
  for await (const record of source) {
    if (record.addrs.length > 0) {
      yield record
      return
    }
    bare ??= record
  }
  if (bare !== undefined) yield bare
}
