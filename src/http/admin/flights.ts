import { DhtError } from '../../core/errors.ts'

interface Options {
  /** Under way at once in all, and of one principal. */
  readonly limit: number
  readonly perPrincipal: number
}

/** Bounds work that goes on while its caller waits. */
export class Flights {
  readonly #options: Options
  /** Bounded by the limit. */
  readonly #byPrincipal = new Map<string, number>()
  #all = 0

  constructor (options: Options) {
    this.#options = options
  }

  /** @throws {DhtError} Backpressure when as much is under way as may be */
  async run<T> (principal: string, work: () => Promise<T>): Promise<T> {
    const { limit, perPrincipal } = this.#options
    const own = this.#byPrincipal.get(principal) ?? 0
    if (own >= perPrincipal || this.#all >= limit) {
      throw new DhtError('Backpressure', 'As many requests to the network are under way as may be.', { hint: 'Wait for the answer of one.', retryAfterMs: 1000, reason: 'http_lookup' })
    }
    this.#add(principal, 1)
    try {
      return await work()
    } finally {
      this.#add(principal, -1)
    }
  }

  #add (principal: string, change: 1 | -1): void {
    this.#all += change
    const own = (this.#byPrincipal.get(principal) ?? 0) + change
    if (own === 0) this.#byPrincipal.delete(principal)
    else this.#byPrincipal.set(principal, own)
  }
}
