import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { HttpError } from './envelope.ts'

/** Requests of one connection that may wait for their answers: clients hardly pipeline, but who means to hold every place with one connection. */
const MAX_WAITING = 16
/** What a client may take to read on, once its answer is complete. */
const WRITE_TIMEOUT_MS = 5000

/** The places of a listener: how many requests it works on at once, and how long an answer that nobody reads keeps its place. */
export class InFlight {
  readonly #limit: number
  readonly #idleTimeoutMs: number
  /** Bounded by the connections. */
  readonly #waiting = new WeakMap<Socket, number>()
  readonly #placed = new WeakSet<IncomingMessage>()
  #active = 0

  constructor (options: { readonly limit: number, readonly idleTimeoutMs: number }) {
    this.#limit = options.limit
    this.#idleTimeoutMs = options.idleTimeoutMs
  }

  /** Takes a place until the answer is out, or {@link leave}. */
  enter (request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    this.#active++
    this.#placed.add(request)
    this.#waiting.set(socket, this.#waitingOn(socket) + 1)
    // The whole answer is with the socket. Time counts only while nothing at all is read.
    response.once('prefinish', () => socket.setTimeout(WRITE_TIMEOUT_MS))
    response.once('finish', () => socket.setTimeout(this.#idleTimeoutMs))
    response.once('close', () => {
      this.#waiting.set(socket, this.#waitingOn(socket) - 1)
      this.leave(request)
    })
  }

  /** Gives the place back: what was refused is no work, and must not keep others out until its client has read why. */
  leave (request: IncomingMessage): void {
    if (this.#placed.delete(request)) this.#active--
  }

  /** @throws {HttpError} 503 when there are too many; a connection that has too many waiting by itself is cut off */
  assertRoom ({ socket }: IncomingMessage): void {
    if (this.#waitingOn(socket) > MAX_WAITING) {
      socket.destroy()
      throw new HttpError(503, 'Backpressure', 'Too many requests of this connection wait for their answers.', { reason: 'http_inflight' })
    }
    if (this.#active > this.#limit) throw new HttpError(503, 'Backpressure', 'Too many requests are in flight.', { reason: 'http_inflight' })
  }

  #waitingOn (socket: Socket): number {
    return this.#waiting.get(socket) ?? 0
  }
}
