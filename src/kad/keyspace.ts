import { hash } from 'node:crypto'

/** Where a key or peer lies in Kademlia's space: SHA2-256 of its bytes (libp2p kad-dht, Kademlia keyspace). */
export type KadId = Uint8Array

/** Where a key or a peer ID is in the key space: its SHA-256. */
export function kadIdOf (bytes: Uint8Array): KadId {
  return hash('sha256', bytes, 'buffer')
}

/** Leading bits two IDs share, 0 to 256: the number of the bucket one falls into in the other's table. */
export function commonPrefixLength (a: KadId, b: KadId): number {
  for (let index = 0; index < a.byteLength; index++) {
    const difference = (a[index] ?? 0) ^ (b[index] ?? 0)
    if (difference !== 0) return index * 8 + Math.clz32(difference) - 24
  }
  return a.byteLength * 8
}

/** Below zero when `a` is closer to `target` by XOR distance than `b`, above zero when farther. */
export function compareDistance (a: KadId, b: KadId, target: KadId): number {
  for (let index = 0; index < target.byteLength; index++) {
    const wanted = target[index] ?? 0
    const difference = ((a[index] ?? 0) ^ wanted) - ((b[index] ?? 0) ^ wanted)
    if (difference !== 0) return difference
  }
  return 0
}

/** The first 32 bits. */
export function headOf (kadId: KadId): number {
  return Buffer.from(kadId.buffer, kadId.byteOffset, 4).readUInt32BE()
}
