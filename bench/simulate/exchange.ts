import { roundTripMs, type Network } from './network.ts'
import type { Id } from './population.ts'

export interface Answer {
  readonly peer: number
  readonly atMs: number
}

export interface Reply {
  readonly peer: number
  readonly path: number
  /** Nearer peers that it told of; undefined when nobody answered in time. */
  readonly closer: readonly number[] | undefined
}

interface Flight { readonly peer: number, readonly path: number, readonly atMs: number }

interface Options {
  readonly origin: number
  readonly target: Id
  /** Peers in a reply, k. */
  readonly count: number
  readonly timeoutMs: number
}

/** The requests of one walk: sends them, and brings the replies in the order in which they arrive. */
export class Exchange {
  readonly #network: Network
  readonly #opts: Options
  /** Bounded by what a walk keeps in flight: α on each path. */
  readonly #flights: Flight[] = []
  /** Who first told of a peer that had not been asked, as src/kad/walk-recorder.ts keeps it. Bounded by k a peer asked. */
  readonly #toldBy = new Map<number, number>()
  readonly #asked = new Set<number>()
  readonly answers: Answer[] = []
  messages = 0
  failed = 0
  nowMs = 0

  constructor (network: Network, opts: Options) {
    this.#network = network
    this.#opts = opts
  }

  get inFlight (): number { return this.#flights.length }

  send (peer: number, path = 0): void {
    const { origin, timeoutMs } = this.#opts
    const takesMs = this.#network.liveness.answers(peer) ? roundTripMs(this.#network, origin, peer) : timeoutMs
    this.#flights.push({ peer, path, atMs: this.nowMs + takesMs })
    this.#asked.add(peer)
    this.messages++
  }

  /** The next reply or timeout; the clock moves on to it. Only to be called with requests in flight. */
  next (): Reply {
    let earliest = 0
    for (let index = 1; index < this.#flights.length; index++) {
      if ((this.#flights[index] as Flight).atMs < (this.#flights[earliest] as Flight).atMs) earliest = index
    }
    const { peer, path, atMs } = this.#flights.splice(earliest, 1)[0] as Flight
    this.nowMs = atMs
    if (!this.#network.liveness.answers(peer)) {
      this.failed++
      return { peer, path, closer: undefined }
    }
    this.answers.push({ peer, atMs })
    const { origin, count } = this.#opts
    // One more, for the one who asks is left out.
    const closer = this.#told(peer, count + 1).filter(other => other !== origin).slice(0, count)
    for (const told of closer) {
      if (!this.#asked.has(told) && !this.#toldBy.has(told)) this.#toldBy.set(told, peer)
    }
    return { peer, path, closer }
  }

  #told (peer: number, count: number): number[] {
    const { population, liveness, tables } = this.#network
    const { target } = this.#opts
    return liveness.lies?.(peer) === true
      ? population.closest(target, count, other => other !== peer && liveness.lies?.(other) === true)
      : tables.closest(peer, target, count)
  }

  /** Peers on the way to this one, itself included: 1 for a peer of our own table that nobody told us of. */
  hopsTo (peer: number): number {
    const path = new Set([peer])
    for (let teller = this.#toldBy.get(peer); teller !== undefined && !path.has(teller); teller = this.#toldBy.get(teller)) path.add(teller)
    return path.size
  }
}
