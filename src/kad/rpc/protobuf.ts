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

  /** An unsigned varint; refuses what exceeds 2^53 rather than round it. Negative int32 values arrive as ten bytes and are refused too. */
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

  /** A length-delimited field as a view of the input. */
  bytes (): Uint8Array {
    const length = this.varint()
    if (length > this.#bytes.byteLength - this.#at) throw malformed()
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  /** Passes over a field that means nothing to us. Groups, long deprecated, are refused. */
  skip (wireType: number): void {
    if (wireType === 0) this.#skipVarint()
    else if (wireType === 1) this.#advance(8)
    else if (wireType === 2) this.bytes()
    else if (wireType === 5) this.#advance(4)
    else throw malformed()
  }

  #skipVarint (): void {
    for (let length = 0; length < 10; length++) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw malformed()
      if (byte < 0x80) return
    }
    throw malformed()
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

  varintField (field: number, value: number): void {
    this.#varint(field * 8)
    this.#varint(value)
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
