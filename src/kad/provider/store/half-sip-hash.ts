/** The 64 bit key of a hash, as two words. */
export type HashKey = readonly [low: number, high: number]

/**
 * HalfSipHash-2-4 with 32 bit output (Aumasson, Bernstein: SipHash, reference code of HalfSipHash): a keyed hash for tables whose
 * keys strangers choose. Who does not know the key cannot make entries collide.
 */
export function halfSipHash ([low, high]: HashKey, bytes: Uint8Array): number {
  let v0 = low
  let v1 = high
  let v2 = 0x6c796765 ^ low
  let v3 = 0x74656462 ^ high
  const { byteLength } = bytes
  const whole = byteLength - byteLength % 4

  // The rounds are written out: this runs for every request, and V8 keeps the words in registers only so.
  for (let at = 0; at <= whole; at += 4) {
    const word = at < whole ? readWord(bytes, at) : lastWord(bytes, whole)
    v3 ^= word
    for (let round = 0; round < 2; round++) {
      v0 = (v0 + v1) | 0; v1 = (v1 << 5) | (v1 >>> 27); v1 ^= v0; v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0; v3 = (v3 << 8) | (v3 >>> 24); v3 ^= v2
      v0 = (v0 + v3) | 0; v3 = (v3 << 7) | (v3 >>> 25); v3 ^= v0
      v2 = (v2 + v1) | 0; v1 = (v1 << 13) | (v1 >>> 19); v1 ^= v2; v2 = (v2 << 16) | (v2 >>> 16)
    }
    v0 ^= word
  }
  v2 ^= 0xff
  for (let round = 0; round < 4; round++) {
    v0 = (v0 + v1) | 0; v1 = (v1 << 5) | (v1 >>> 27); v1 ^= v0; v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0; v3 = (v3 << 8) | (v3 >>> 24); v3 ^= v2
    v0 = (v0 + v3) | 0; v3 = (v3 << 7) | (v3 >>> 25); v3 ^= v0
    v2 = (v2 + v1) | 0; v1 = (v1 << 13) | (v1 >>> 19); v1 ^= v2; v2 = (v2 << 16) | (v2 >>> 16)
  }
  return (v1 ^ v3) >>> 0
}

function readWord (bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | (bytes[at + 1] ?? 0) << 8 | (bytes[at + 2] ?? 0) << 16 | (bytes[at + 3] ?? 0) << 24
}

/** The bytes that are left, and the length in the highest byte. */
function lastWord (bytes: Uint8Array, from: number): number {
  let word = bytes.byteLength << 24
  for (let index = from; index < bytes.byteLength; index++) word |= (bytes[index] ?? 0) << 8 * (index - from)
  return word
}
