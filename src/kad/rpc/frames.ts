import { DhtError } from '../../core/errors.ts'
import { MAX_FRAME_BYTES } from '../../core/limits.ts'

const MAX_PREFIX_BYTES = 4 // 4 MiB needs four varint bytes

/**
 * Splits a stream of chunks into frames, each behind its varint length (libp2p kad-dht, RPC messages). Holds at most one
 * frame that is not complete yet; its length is checked before anything is kept for it.
 */
export class FrameSplitter {
  /** What is here of the frame in progress, behind it spare room. Grows by doubling, at most to that frame's length. */
  #held: Uint8Array = EMPTY
  #heldBytes = 0
  /** Whole bytes, prefix included, that the frame in progress needs; one more than held while its prefix is incomplete. */
  #neededBytes = 1

  /** True while part of a frame is here and the rest is not: the sender owes us bytes. */
  get isMidFrame (): boolean {
    return this.#heldBytes > 0
  }

  /**
   * The frames that `chunk` completes, without their prefix; views of the input where it holds them whole.
   * @throws {DhtError} TooLarge for a frame over 4 MiB, BadRequest for a malformed or empty one
   */
  push (chunk: Uint8Array): Uint8Array[] {
    const bytes = this.#heldBytes === 0 ? chunk : this.#append(chunk)
    const frames: Uint8Array[] = []
    let at = 0
    while (bytes.byteLength - at >= this.#neededBytes) {
      const prefix = readLength(bytes, at)
      const frameBytes = prefix === undefined ? bytes.byteLength - at + 1 : prefix.bytes + prefix.length
      if (prefix === undefined || frameBytes > bytes.byteLength - at) {
        this.#neededBytes = frameBytes
        break
      }
      frames.push(bytes.subarray(at + prefix.bytes, at + frameBytes))
      at += frameBytes
      this.#neededBytes = 1
    }
    this.#keep(bytes.subarray(at), at === 0)
    return frames
  }

  #append (chunk: Uint8Array): Uint8Array {
    const total = this.#heldBytes + chunk.byteLength
    if (total > this.#held.byteLength) {
      const grown = Buffer.allocUnsafe(Math.max(total, Math.min(this.#held.byteLength * 2, this.#neededBytes)))
      grown.set(this.#held.subarray(0, this.#heldBytes))
      this.#held = grown
    }
    this.#held.set(chunk, this.#heldBytes)
    return this.#held.subarray(0, total)
  }

  /** `isSame`: nothing was taken off, so what is held already may stay where it is. */
  #keep (rest: Uint8Array, isSame: boolean): void {
    if (rest.byteLength === 0) this.#held = EMPTY
    else if (!isSame || this.#heldBytes === 0) this.#held = Uint8Array.from(rest)
    this.#heldBytes = rest.byteLength
  }
}

const EMPTY = new Uint8Array(0)

function readLength (bytes: Uint8Array, start: number): { readonly length: number, readonly bytes: number } | undefined {
  let length = 0
  for (let index = 0; index < MAX_PREFIX_BYTES; index++) {
    const byte = bytes[start + index]
    if (byte === undefined) return undefined
    length += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) {
      if (length > MAX_FRAME_BYTES) break
      if (length === 0) throw new DhtError('BadRequest', 'A frame is empty.', { reason: 'frame' })
      return { length, bytes: index + 1 }
    }
  }
  throw new DhtError('TooLarge', `A frame has at most ${MAX_FRAME_BYTES} bytes.`, { reason: 'frame' })
}
