/** RLP for the judge of discv5 engines: small, and nobody else's. */
export type Rlp = Uint8Array | readonly Rlp[]

export function encodeRlp (item: Rlp): Buffer {
  if (item instanceof Uint8Array) return item.length === 1 && item[0]! < 0x80 ? Buffer.from(item) : Buffer.concat([header(0x80, item.length), item])
  const body = Buffer.concat(item.map(encodeRlp))
  return Buffer.concat([header(0xc0, body.length), body])
}

/** A whole number without leading zeros; 0 is the empty string. */
export function uint (value: bigint | number): Buffer {
  const hex = BigInt(value).toString(16)
  return value === 0 || value === 0n ? Buffer.alloc(0) : Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}

export function toUint (bytes: Rlp | undefined): bigint {
  const hex = Buffer.from(asBytes(bytes)).toString('hex')
  return hex === '' ? 0n : BigInt(`0x${hex}`)
}

export function asBytes (item: Rlp | undefined): Uint8Array {
  if (item instanceof Uint8Array) return item
  throw new Error('RLP: a string was expected')
}

export function asList (item: Rlp | undefined): readonly Rlp[] {
  if (item === undefined || item instanceof Uint8Array) throw new Error('RLP: a list was expected')
  return item
}

/** @throws {Error} on bytes that are left over or missing */
export function decodeRlp (bytes: Uint8Array): Rlp {
  const { item, end } = readItem(Buffer.from(bytes), 0)
  if (end !== bytes.length) throw new Error('RLP: bytes are left over')
  return item
}

function readItem (bytes: Buffer, at: number): { readonly item: Rlp, readonly end: number } {
  const first = bytes.readUInt8(at)
  if (first < 0x80) return { item: bytes.subarray(at, at + 1), end: at + 1 }
  const isList = first >= 0xc0
  const short = first - (isList ? 0xc0 : 0x80)
  const lengthBytes = short > 55 ? short - 55 : 0
  const begin = at + 1 + lengthBytes
  const end = begin + (lengthBytes === 0 ? short : bytes.readUIntBE(at + 1, lengthBytes))
  if (end > bytes.length) throw new Error('RLP: bytes are missing')
  if (!isList) return { item: bytes.subarray(begin, end), end }
  const items: Rlp[] = []
  for (let next = begin; next < end;) {
    const read = readItem(bytes.subarray(0, end), next)
    items.push(read.item)
    next = read.end
  }
  return { item: items, end }
}

function header (base: number, length: number): Buffer {
  if (length <= 55) return Buffer.from([base + length])
  const bytes = uint(length)
  return Buffer.concat([Buffer.from([base + 55 + bytes.length]), bytes])
}
