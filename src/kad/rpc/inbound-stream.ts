import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Stream } from '@libp2p/interface'
import { DhtError } from '../../core/errors.ts'
import { FrameSplitter } from './frames.ts'
import type { Sender } from './handler.ts'

interface Options {
  /** How long a frame may take from its first byte to its last. Milliseconds. */
  readonly readTimeoutMs: number
  /** How long a stream may stay open between frames. Milliseconds. */
  readonly idleTimeoutMs: number
}

interface Deps {
  readonly stream: Stream
  readonly sender: Sender
  /** Answers one frame with a framed reply, or nothing. A rejection resets the stream. */
  readonly answer: (frame: Uint8Array, sender: Sender) => Uint8Array | undefined | Promise<Uint8Array | undefined>
  /** Called once, when the stream has ended, with the error that ended it if there was one. */
  readonly onEnd: (err: unknown) => void
  readonly now: () => number
}

/** Whole frames that wait while one is answered; beyond it we stop reading. */
const MAX_WAITING_FRAMES = 16

/** How long one stream may keep the event loop before others get their turn. */
const MAX_TURN_MS = 10

/**
 * One DHT stream that a peer opened: frames in, replies out, in order. Reading pauses while replies do not drain, so a slow
 * reader costs what its transport buffers and no more.
 */
export class InboundStream {
  readonly #opts: Options
  readonly #deps: Deps
  readonly #splitter = new FrameSplitter()
  /** Bounded by one chunk's frames: reading pauses at MAX_WAITING_FRAMES. */
  readonly #waiting: Uint8Array[] = []
  #isAnswering = false
  #hasEnded = false
  #isRemoteDone = false
  /** Since when the frame in progress, or the pause between frames, has lasted. */
  #since: number

  constructor (opts: Options, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
    this.#since = deps.now()
    const { stream } = deps
    stream.addEventListener('message', ({ data }) => this.#receive(data.subarray()))
    stream.addEventListener('remoteCloseWrite', () => this.#finish())
    stream.addEventListener('close', ({ error }) => this.#end(error))
    if (stream.remoteWriteStatus === 'closed') this.#finish()
  }

  /** Resets the stream when its peer lets us wait too long. Called now and then by the server; there is no timer a stream. */
  checkTime (now: number): void {
    const waited = now - this.#since
    if (this.#isAnswering) return
    if (this.#splitter.isMidFrame && waited > this.#opts.readTimeoutMs) {
      this.abort(new DhtError('Timeout', 'A message did not arrive in time.', { reason: 'slow' }))
    } else if (waited > this.#opts.idleTimeoutMs) {
      this.abort(new DhtError('Timeout', 'The stream was idle.'))
    }
  }

  abort (err: Error): void {
    this.#deps.stream.abort(err)
    this.#end(err)
  }

  #receive (chunk: Uint8Array): void {
    if (this.#hasEnded) return
    try {
      const wasMidFrame = this.#splitter.isMidFrame
      const frames = this.#splitter.push(chunk)
      if (frames.length > 0 || !wasMidFrame) this.#since = this.#deps.now()
      this.#waiting.push(...frames)
    } catch (err) {
      return this.abort(err as Error)
    }
    if (this.#waiting.length > MAX_WAITING_FRAMES) this.#deps.stream.pause()
    if (!this.#isAnswering) void this.#answerWaiting()
  }

  async #answerWaiting (): Promise<void> {
    const { stream, sender, answer, now } = this.#deps
    this.#isAnswering = true
    let turnStartedAt = performance.now()
    try {
      for (let frame = this.#waiting.shift(); frame !== undefined && !this.#hasEnded; frame = this.#waiting.shift()) {
        const answered = answer(frame, sender)
        const reply = answered instanceof Promise ? await answered : answered // most need no wait
        if (reply !== undefined && !this.#hasEnded && !stream.send(reply)) await this.#drain()
        if (performance.now() - turnStartedAt > MAX_TURN_MS) {
          await nextTurn()
          turnStartedAt = performance.now()
        }
      }
    } catch (err) {
      return this.abort(err as Error)
    }
    this.#isAnswering = false
    this.#since = now()
    if (this.#hasEnded) return
    if (stream.readStatus === 'paused') stream.resume()
    if (this.#isRemoteDone) this.#close()
  }

  async #drain (): Promise<void> {
    const { stream } = this.#deps
    if (stream.readStatus === 'readable') stream.pause()
    await stream.onDrain({ signal: AbortSignal.timeout(this.#opts.readTimeoutMs) }).catch(cause => {
      throw new DhtError('Timeout', 'A reply was not read in time.', { cause, reason: 'slow' })
    })
  }

  /** The peer will send no more: what it asked is still answered. */
  #finish (): void {
    this.#isRemoteDone = true
    if (!this.#isAnswering) this.#close()
  }

  #close (): void {
    if (this.#splitter.isMidFrame) return this.abort(new DhtError('BadRequest', 'The stream ended inside a message.', { reason: 'frame' }))
    this.#deps.stream.close().then(() => this.#end(undefined), err => this.#end(err))
  }

  #end (err: unknown): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#waiting.length = 0
    this.#deps.onEnd(err)
  }
}
