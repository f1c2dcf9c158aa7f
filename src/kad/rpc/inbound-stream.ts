import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Stream } from '@libp2p/interface'
import { DhtError } from '../../core/errors.ts'
import { FrameSplitter } from './frames.ts'
import type { Sender } from './handler.ts'

/** Read anew at every check: they may change while the stream is open. */
interface Options {
  /** How long a frame may take from its first byte to its last, and a reply to be read. Milliseconds. */
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

/** How long one stream may keep the event loop before others get their turn. */
const MAX_TURN_MS = 10

/**
 * One DHT stream that a peer opened: frames in, replies out, in order. Reading pauses when more comes while we answer, and while
 * replies do not drain, so a fast writer or slow reader costs what its transport buffers and no more.
 */
export class InboundStream {
  readonly #opts: Options
  readonly #deps: Deps
  readonly #splitter = new FrameSplitter()
  #isAnswering = false
  #hasEnded = false
  #isRemoteDone = false
  #isDraining = false
  /** Since when we have waited for the peer: for the rest of a frame, for the next one, or for it to read a reply. */
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
    const isSlow = waited > this.#opts.readTimeoutMs
    if (this.#isAnswering) {
      if (this.#isDraining && isSlow) this.abort(new DhtError('Timeout', 'A reply was not read in time.', { reason: 'slow' }))
    } else if (this.#splitter.isMidFrame && isSlow) {
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
    if (!this.#splitter.isMidFrame) this.#since = this.#deps.now()
    this.#splitter.add(chunk)
    if (this.#isAnswering) this.#deps.stream.pause()
    else void this.#answerWaiting()
  }

  async #answerWaiting (): Promise<void> {
    const { stream, sender, answer, now } = this.#deps
    this.#isAnswering = true
    let hasAnswered = false
    let turnStartedAt = now()
    try {
      for (let frame = this.#splitter.next(); frame !== undefined && !this.#hasEnded; frame = this.#splitter.next()) {
        hasAnswered = true
        const answered = answer(frame, sender)
        const reply = answered instanceof Promise ? await answered : answered // most need no wait
        if (reply !== undefined && !this.#hasEnded && !stream.send(reply)) await this.#drain()
        const turnMs = now() - turnStartedAt
        if (turnMs > MAX_TURN_MS || turnMs < 0) { // below zero: somebody set the clock back
          await nextTurn()
          turnStartedAt = now()
        }
      }
    } catch (err) {
      return this.abort(err as Error)
    }
    this.#isAnswering = false
    if (hasAnswered) this.#since = now() // bytes alone do not buy time
    if (this.#hasEnded) return
    if (stream.readStatus === 'paused') stream.resume() // may bring what waited at once, and with it the next round
    if (this.#isRemoteDone && !this.#isAnswering) this.#close()
  }

  /** Waits until the transport takes more; rejects when the stream ends before. */
  async #drain (): Promise<void> {
    const { stream, now } = this.#deps
    if (stream.readStatus === 'readable') stream.pause()
    this.#since = now()
    this.#isDraining = true
    await stream.onDrain()
    this.#isDraining = false
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
    this.#deps.onEnd(err)
  }
}
