import { createHash } from 'node:crypto'
import { base58btc } from 'multiformats/bases/base58'
import type { PeerRecord } from '../core/peer.ts'

/**
 * The `limit` peers nearest to the key by XOR of SHA-256 digests (libp2p kad-dht, Distance), nearest first. Each plane sorts
 * its own; what several planes found can only be sorted when the last one has ended. Bounded by k peers of each plane.
 */
export function closestFirst (key: Uint8Array, limit: number) {
  const target = kadId(key)
  return async function * (source: AsyncIterable<PeerRecord>): AsyncGenerator<PeerRecord> {
    const found = new Map<string, { readonly record: PeerRecord, readonly distance: Buffer }>()
    for await (const record of source) {
      const known = found.get(record.id)
      if (known !== undefined && (known.record.addrs.length > 0 || record.addrs.length === 0)) continue
      found.set(record.id, { record, distance: known?.distance ?? xor(target, kadId(base58btc.baseDecode(record.id))) })
    }
    const nearest = [...found.values()].sort((a, b) => a.distance.compare(b.distance))
    for (const { record } of nearest.slice(0, limit)) yield record
  }
}

function kadId (key: Uint8Array): Buffer {
  return createHash('sha256').update(key).digest()
}

function xor (a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, index) => byte ^ (b[index] ?? 0)))
}
