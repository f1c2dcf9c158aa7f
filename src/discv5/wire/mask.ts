import { createCipheriv, createSecretKey, type Cipheriv } from 'node:crypto'

const BLOCK = 16

/**
 * The header mask of one destination: AES-128-CTR under the first half of its node ID. The counter blocks go through one
 * long-lived ECB cipher, because making a cipher for each packet costs more than all else that is done to a header.
 */
export class Mask {
  readonly #ecb: Cipheriv
  #blocks = Buffer.alloc(4 * BLOCK)

  constructor (destinationId: Uint8Array) {
    // A key object: with raw bytes Node takes four times as long.
    this.#ecb = createCipheriv('aes-128-ecb', createSecretKey(destinationId.subarray(0, BLOCK)), null).setAutoPadding(false)
  }

  /** The first `size` bytes of key stream for the masking IV at `ivAt` of `packet`. */
  keyStream (packet: Buffer, ivAt: number, size: number): Buffer {
    const count = Math.ceil(size / BLOCK)
    if (this.#blocks.length < count * BLOCK) this.#blocks = Buffer.alloc(count * BLOCK)
    const blocks = this.#blocks
    for (let i = 0; i < count; i++) {
      packet.copy(blocks, i * BLOCK, ivAt, ivAt + BLOCK)
      if (i > 0) increment(blocks, i * BLOCK, i)
    }
    return this.#ecb.update(blocks.length === count * BLOCK ? blocks : blocks.subarray(0, count * BLOCK))
  }

  /** Masks or unmasks `size` bytes at `at` in place. */
  apply (packet: Buffer, ivAt: number, at: number, size: number): void {
    const stream = this.keyStream(packet, ivAt, size)
    for (let i = 0; i < size; i++) packet[at + i] = (packet[at + i] as number) ^ (stream[i] as number)
  }
}

/** Adds to the 128-bit big-endian counter; headers are shorter than 256 blocks. */
function increment (block: Buffer, at: number, by: number): void {
  let carry = by
  for (let i = at + BLOCK - 1; carry > 0 && i >= at; i--) {
    carry += block[i] as number
    block[i] = carry & 0xff
    carry >>= 8
  }
}
