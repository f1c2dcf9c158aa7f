import { DhtError } from '../../core/errors.ts'

export interface Tag { readonly field: number, readonly wireType: number }

/**
 * Reads the protobuf wire format without copying and without trusting a length. A generated codec would build every
 * entry of a repeated field before we could count them; this one lets the caller stop.
 */
export class ProtobufReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor (bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** The next field's tag, or undefined at the end. */
  nextTag (): Tag | undefined {
    if (this.#at === this.#bytes.byteLength) return undefined
    const tag = this.varint()
    const field = Math.floor(tag / 8)
    if (field === 0) throw malformed()
    return { field, wireType: tag % 8 }
  }

  /** An unsigned varint; refuses what exceeds 2^53 rather than round it. */
  varint (): number {
    let value = 0
    let scale = 1
    for (let length = 0; length < 8; length++) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw malformed()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) throw malformed()
        return value
      }
      scale *= 128
    }
    throw malformed()
  }

  /** An int32 or enum, as protobuf defines it: the low 32 bits of a varint of up to ten bytes. Negative ones take all ten. */
  int32 (): number {
    let value = 0
    for (let length = 0; length < 10; length++) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw malformed()
      if (length < 5) value |= (byte & 0x7f) << (7 * length)
      if (byte < 0x80) return value
    }
    throw malformed()
  }

  /** A length-delimited field as a view of the input. */
  bytes (): Uint8Array {
    const length = this.varint()
    if (length > this.#bytes.byteLength - this.#at) throw malformed()
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  /** Passes over a field that means nothing to us. Groups, long deprecated, are refused. */
  skip (wireType: number): void {
    if (wireType === 0) this.int32()
    else if (wireType === 1) this.#advance(8)
    else if (wireType === 2) this.bytes()
    else if (wireType === 5) this.#advance(4)
    else throw malformed()
  }

  #advance (count: number): void {
    if (count > this.#bytes.byteLength - this.#at) throw malformed()
    this.#at += count
  }
}

const MAX_PREFIX_BYTES = 4 // a length below 2^28, well above any frame

/** Writes into one buffer of the size its caller has counted. */
export class ProtobufWriter {
  readonly #buffer: Uint8Array
  #at = MAX_PREFIX_BYTES

  /** `sizeBytes`: upper bound of the message, without its length prefix. */
  constructor (sizeBytes: number) {
    this.#buffer = Buffer.allocUnsafe(sizeBytes + MAX_PREFIX_BYTES)
  }

  int32Field (field: number, value: number): void {
    this.#varint(field * 8)
    if (value >= 0) return this.#varint(value)
    // Sign-extended to 64 bits: nine groups of seven, then the one bit that is left.
    for (let group = 0; group < 9; group++) this.#buffer[this.#at++] = (value >> Math.min(7 * group, 31) & 0x7f) | 0x80
    this.#buffer[this.#at++] = 1
  }

  bytesField (field: number, bytes: Uint8Array): void {
    this.#varint(field * 8 + 2)
    this.#varint(bytes.byteLength)
    this.#buffer.set(bytes, this.#at)
    this.#at += bytes.byteLength
  }

  finish (): Uint8Array {
    return new Uint8Array(this.#buffer.subarray(MAX_PREFIX_BYTES, this.#at)) // a copy: it outlives the pooled buffer
  }

  /** The message behind its varint length, as libp2p streams carry it. */
  finishFramed (): Uint8Array {
    const length = this.#at - MAX_PREFIX_BYTES
    const end = this.#at
    this.#at = MAX_PREFIX_BYTES - varintLength(length)
    const start = this.#at
    this.#varint(length)
    return this.#buffer.subarray(start, end)
  }

  #varint (value: number): void {
    let rest = value
    while (rest >= 128) {
      this.#buffer[this.#at++] = rest % 128 + 128
      rest = Math.floor(rest / 128)
    }
    this.#buffer[this.#at++] = rest
  }
}

function varintLength (value: number): number {
  let length = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++
  return length
}

function malformed (): DhtError {
  return new DhtError('BadRequest', 'The message is not well-formed protobuf.', { reason: 'decode' })
}
