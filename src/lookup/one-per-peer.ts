import type { PeerRecord } from '../core/peer.ts'

/**
 * One record for each peer, and the first `limit` peers seen. A sighting with addresses goes out at once. One without
 * waits for a better one until the source ends, because nobody can dial it; so it never hides addresses seen later.
 * `onMore` is called when the source knows a peer beyond the limit: the answer ends there.
 */
export function onePerPeer (limit: number, onMore: () => void) {
  return async function * (source: AsyncIterable<PeerRecord>): AsyncGenerator<PeerRecord> {
    const told = new Set<string>() // with `bare`: bounded by `limit`
    const bare = new Map<string, PeerRecord>()
    for await (const record of source) {
      if (told.has(record.id)) continue
      if (!bare.has(record.id) && told.size + bare.size >= limit) {
        onMore()
        break
      }
      if (record.addrs.length === 0) {
        if (!bare.has(record.id)) bare.set(record.id, record)
        continue
      }
      bare.delete(record.id)
      told.add(record.id)
      yield record
    }
    yield * bare.values()
  }
}
