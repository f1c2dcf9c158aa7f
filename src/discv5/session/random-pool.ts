import { randomFillSync } from 'node:crypto'

const POOL_BYTES = 4096

/** Random bytes in small pieces: one call into the generator for some hundred packets. */
export class RandomPool {
  #pool = Buffer.alloc(0)
  #at = 0

  /** A view of bytes that nobody else gets. */
  take (size: number): Buffer {
    if (this.#at + size > this.#pool.length) {
      this.#pool = randomFillSync(Buffer.allocUnsafeSlow(POOL_BYTES))
      this.#at = 0
    }
    this.#at += size
    return this.#pool.subarray(this.#at - size, this.#at)
  }
}
