import { Malformed } from './malformed.ts'

/** Longest sequence number or integer field: 64 bits. */
const MAX_UINT_BYTES = 8

/** Reads RLP front to back, strictly: one encoding for each value, nothing past the end. Ethereum yellow paper, appendix B. */
export class RlpReader {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number

  constructor (bytes: Buffer, at = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = at
    this.#end = end
  }

  get isDone (): boolean { return this.#at >= this.#end }
  /** Whether the next item is a list. */
  get isAtList (): boolean { return !this.isDone && (this.#bytes[this.#at] as number) >= 0xc0 }
  get offset (): number { return this.#at }

  /** The bytes of a string item; a view, not a copy. */
  bytes (): Buffer {
    const { isList, start, end } = this.#item()
    if (isList) throw new Malformed('rlp', 'a list where bytes belong')
    this.#at = end
    return this.#bytes.subarray(start, end)
  }

  /** A reader of the list's items. */
  list (): RlpReader {
    const { isList, start, end } = this.#item()
    if (!isList) throw new Malformed('rlp', 'bytes where a list belongs')
    this.#at = end
    return new RlpReader(this.#bytes, start, end)
  }

  /** The next item with its header, whatever it is. */
  raw (): Buffer {
    const from = this.#at
    const { end } = this.#item()
    this.#at = end
    return this.#bytes.subarray(from, end)
  }

  /** Bytes as `bytes` gives them; a list with its own header. */
  value (): Buffer {
    const from = this.#at
    const { isList, start, end } = this.#item()
    this.#at = end
    return this.#bytes.subarray(isList ? from : start, end)
  }

  /** An integer of at most 64 bits, without leading zeros. */
  bigint (): bigint {
    return toBigint(this.bytes())
  }

  /** An integer that fits `max`. */
  uint (max: number): number {
    const value = this.bigint()
    if (value > BigInt(max)) throw new Malformed('rlp', `an integer above ${max}`)
    return Number(value)
  }

  /** @throws {Malformed} when something follows */
  end (): void {
    if (this.#at !== this.#end) throw new Malformed('rlp', 'bytes after the end')
  }

  #item (): { readonly isList: boolean, readonly start: number, readonly end: number } {
    if (this.#at >= this.#end) throw new Malformed('rlp', 'an item is missing')
    const at = this.#at
    const head = this.#bytes[at] as number
    if (head < 0x80) return { isList: false, start: at, end: at + 1 }
    const isList = head >= 0xc0
    const short = head - (isList ? 0xc0 : 0x80)
    const [start, size] = short <= 55 ? [at + 1, short] : this.#longSize(at, short - 55)
    if (start + size > this.#end) throw new Malformed('rlp', 'an item longer than what holds it')
    if (!isList && short === 1 && (this.#bytes[start] as number) < 0x80) throw new Malformed('rlp', 'one small byte with a header')
    return { isList, start, end: start + size }
  }

  #longSize (at: number, sizeBytes: number): readonly [start: number, size: number] {
    if (sizeBytes > 2 || at + 1 + sizeBytes > this.#end) throw new Malformed('rlp', 'a size that no packet has')
    const size = this.#bytes.readUIntBE(at + 1, sizeBytes)
    if (size <= 55 || this.#bytes[at + 1] === 0) throw new Malformed('rlp', 'a size longer than need be')
    return [at + 1 + sizeBytes, size]
  }
}

/** At most 64 bits, in the shortest form. @throws {Malformed} */
export function toBigint (bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n
  if (bytes.length > MAX_UINT_BYTES) throw new Malformed('rlp', 'an integer of more than 64 bits')
  if (bytes[0] === 0) throw new Malformed('rlp', 'an integer with leading zeros')
  let value = 0n
  if (bytes.length <= 6) return BigInt(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUIntBE(0, bytes.length))
  for (const byte of bytes) value = value << 8n | BigInt(byte)
  return value
}

/** Big-endian without leading zeros; zero is no bytes at all. */
export function uintBytes (value: bigint | number): Buffer {
  if (value === 0 || value === 0n) return Buffer.alloc(0)
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}

export function encodeBytes (bytes: Uint8Array): Buffer {
  if (bytes.length === 1 && (bytes[0] as number) < 0x80) return Buffer.from(bytes)
  return Buffer.concat([header(0x80, bytes.length), bytes])
}

/** A list of items that are encoded already. */
export function encodeList (items: readonly Uint8Array[]): Buffer {
  const size = items.reduce((sum, item) => sum + item.length, 0)
  return Buffer.concat([header(0xc0, size), ...items])
}

/** Bytes of the header of a string or list that holds `size` bytes; at most 65,535. */
export function headerSize (size: number): number {
  return size <= 55 ? 1 : size <= 0xff ? 2 : 3
}

/** Writes a header; returns where the payload starts. `base` is 0x80 for bytes and 0xc0 for a list. */
export function writeHeader (into: Buffer, at: number, base: 0x80 | 0xc0, size: number): number {
  if (size <= 55) return into.writeUInt8(base + size, at)
  if (size <= 0xff) return into.writeUInt8(size, into.writeUInt8(base + 56, at))
  return into.writeUInt16BE(size, into.writeUInt8(base + 57, at))
}

function header (base: 0x80 | 0xc0, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(headerSize(size))
  writeHeader(bytes, 0, base, size)
  return bytes
}
