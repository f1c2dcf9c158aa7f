import { DhtError } from '../../core/errors.ts'
import { MAX_FRAME_BYTES } from '../../core/limits.ts'

const MAX_PREFIX_BYTES = 4 // 4 MiB needs four varint bytes

/**
 * Splits a stream of chunks into frames, each behind its varint length (libp2p kad-dht, RPC messages). Frames come out one by one,
 * so a chunk of very many costs no more than is taken of it. A length is checked before anything is kept for its frame.
 */
export class FrameSplitter {
  /** What was added and not taken yet lies between start and end, behind it spare room. Grows by doubling, at most to what one frame needs. */
  #buffer: Uint8Array = EMPTY
  #start = 0
  #end = 0
  /** False while the buffer is the chunk that was added: it is read, not written to, and not kept once its frames are taken. */
  #isOwn = true
  /** Bytes, prefix included, that the frame in progress needs; one more than are here while its prefix is incomplete. */
  #neededBytes = 1

  /** True while bytes are here that were not taken. When `next` has nothing, the sender owes us the rest of a frame. */
  get isMidFrame (): boolean {
    return this.#end > this.#start
  }

  add (chunk: Uint8Array): void {
    const heldBytes = this.#end - this.#start
    if (heldBytes === 0) return this.#hold(chunk, false)
    const room = this.#isOwn ? this.#buffer.byteLength - this.#end : 0
    if (chunk.byteLength > room) {
      const grown = Buffer.allocUnsafe(Math.max(heldBytes + chunk.byteLength, Math.min(heldBytes * 2, this.#neededBytes)))
      grown.set(this.#buffer.subarray(this.#start, this.#end))
      this.#hold(grown, true)
      this.#end = heldBytes
    }
    this.#buffer.set(chunk, this.#end)
    this.#end += chunk.byteLength
  }

  /**
   * The next whole frame without its prefix, a view of what was added; undefined when more has to come first.
   * @throws {DhtError} TooLarge for a frame over 4 MiB, BadRequest for an empty one
   */
  next (): Uint8Array | undefined {
    const heldBytes = this.#end - this.#start
    if (heldBytes >= this.#neededBytes) {
      const prefix = readLength(this.#buffer.subarray(this.#start, Math.min(this.#end, this.#start + MAX_PREFIX_BYTES)))
      this.#neededBytes = prefix === undefined ? heldBytes + 1 : prefix.bytes + prefix.length
      if (prefix !== undefined && heldBytes >= this.#neededBytes) {
        const start = this.#start + prefix.bytes
        this.#start += this.#neededBytes
        this.#neededBytes = 1
        return this.#buffer.subarray(start, this.#start)
      }
    }
    if (heldBytes === 0) this.#hold(EMPTY, true)
    else if (!this.#isOwn) this.#hold(Uint8Array.from(this.#buffer.subarray(this.#start, this.#end)), true)
    return undefined
  }

  /** All frames that `chunk` completes; for who expects few. @throws {DhtError} as `next` */
  push (chunk: Uint8Array): Uint8Array[] {
    this.add(chunk)
    const frames: Uint8Array[] = []
    for (let frame = this.next(); frame !== undefined; frame = this.next()) frames.push(frame)
    return frames
  }

  #hold (buffer: Uint8Array, isOwn: boolean): void {
    this.#buffer = buffer
    this.#start = 0
    this.#end = buffer.byteLength
    this.#isOwn = isOwn
  }
}

const EMPTY = new Uint8Array(0)

function readLength (bytes: Uint8Array): { readonly length: number, readonly bytes: number } | undefined {
  let length = 0
  for (let index = 0; index < MAX_PREFIX_BYTES; index++) {
    const byte = bytes[index]
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
