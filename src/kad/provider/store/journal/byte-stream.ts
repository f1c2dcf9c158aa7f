const FIRST_BYTES = 16 * 1024

/** Writes values one behind the other into a buffer that grows. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #end = 0

  get size (): number { return this.#end }

  uint8 (value: number): void {
    this.#reserve(1)
    this.#end = this.#buffer.writeUInt8(value, this.#end)
  }

  uint16 (value: number): void {
    this.#reserve(2)
    this.#end = this.#buffer.writeUInt16LE(value, this.#end)
  }

  uint32 (value: number): void {
    this.#reserve(4)
    this.#end = this.#buffer.writeUInt32LE(value, this.#end)
  }

  float64 (value: number): void {
    this.#reserve(8)
    this.#end = this.#buffer.writeDoubleLE(value, this.#end)
  }

  bytes (bytes: Uint8Array): void {
    this.#reserve(bytes.byteLength)
    this.#buffer.set(bytes, this.#end)
    this.#end += bytes.byteLength
  }

  latin1 (text: string): void {
    this.#reserve(text.length)
    this.#end += this.#buffer.write(text, this.#end, 'latin1')
  }

  /** What was written since `start`: a view that the next write may leave behind. */
  since (start: number): Uint8Array { return this.#buffer.subarray(start, this.#end) }

  /** Takes back what was written from `end` on. */
  cutTo (end: number): void { this.#end = end }

  /** Puts a number where room was left for it. */
  patchUint32 (value: number, at: number): void { this.#buffer.writeUInt32LE(value, at) }

  /** Takes all that was written, in a buffer of its own that may be given away. */
  take (): Uint8Array<ArrayBuffer> {
    const bytes = Uint8Array.from(this.#buffer.subarray(0, this.#end))
    this.#end = 0
    return bytes
  }

  #reserve (count: number): void {
    if (this.#end + count <= this.#buffer.byteLength) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.byteLength * 2, this.#end + count))
    grown.set(this.#buffer.subarray(0, this.#end))
    this.#buffer = grown
  }
}

/** Reads what a ByteWriter wrote. Byte strings are views of the input. */
export class ByteReader {
  readonly #buffer: Buffer
  #at = 0

  constructor (bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get at (): number { return this.#at }
  get isAtEnd (): boolean { return this.#at === this.#buffer.byteLength }

  uint8 (): number {
    this.#at += 1
    return this.#buffer.readUInt8(this.#at - 1)
  }

  uint16 (): number {
    this.#at += 2
    return this.#buffer.readUInt16LE(this.#at - 2)
  }

  uint32 (): number {
    this.#at += 4
    return this.#buffer.readUInt32LE(this.#at - 4)
  }

  float64 (): number {
    this.#at += 8
    return this.#buffer.readDoubleLE(this.#at - 8)
  }

  bytes (count: number): Uint8Array {
    if (count > this.#buffer.byteLength - this.#at) throw new RangeError('the bytes end too early')
    this.#at += count
    return this.#buffer.subarray(this.#at - count, this.#at)
  }

  latin1 (count: number): string {
    this.#at += count
    return this.#buffer.toString('latin1', this.#at - count, this.#at)
  }

  /** What was read since `start`. */
  since (start: number): Uint8Array { return this.#buffer.subarray(start, this.#at) }
}
