import { hashOf, Random } from './random.ts'

export const HOUR_MS = 3_600_000

export interface SessionOptions {
  /** Scale λ of the session lengths. */
  readonly scaleMs: number
  /** Share of its time that a peer is online. */
  readonly availability: number
}

/**
 * Weibull sessions of shape ½, P(longer than t) = exp(-√(t/λ)). Stutzbach and Rejaie (IMC 2006) fit 0.34 to 0.59 to three
 * networks. λ = 3.1 h gives 80 % of sessions up to 8 h (probe-lab RFM 2: 80 %) and half of them up to 1.5 h (RFM 2: 2 h), so
 * it is a little harsher than the IPFS network was in 2022. Half of the time offline makes 12 of 20 record holders be online a
 * day later, as RFM 17 counted.
 */
export const IPFS_SESSIONS: SessionOptions = { scaleMs: 3.1 * HOUR_MS, availability: 0.5 }

/** Bounds one peer's history; a day has about eight changes. */
const MAX_CHANGES = 10_000

/**
 * When each peer comes and goes. Sessions of different peers do not depend on each other or on the lookups, so no global event
 * queue is needed: a peer's joins and leaves are drawn in order, from its own stream, as far as somebody asks.
 */
export class Sessions {
  readonly #opts: SessionOptions
  readonly #seed: number
  readonly #offScaleMs: number

  constructor (opts: SessionOptions, seed: number) {
    this.#opts = opts
    this.#seed = seed
    this.#offScaleMs = opts.scaleMs * (1 - opts.availability) / opts.availability
  }

  isOnline (peer: number, atMs: number): boolean {
    return this.onlineSince(peer, atMs) !== undefined
  }

  /** When the session began that the peer is in; undefined while it is offline. Time 0 finds the network in its steady state. */
  onlineSince (peer: number, atMs: number): number | undefined {
    const random = new Random(hashOf(this.#seed, peer))
    let isOnline = random.unit() < this.#opts.availability
    let [sinceMs, untilMs] = this.#underWay(random, this.#scaleOf(isOnline))
    for (let changes = 0; untilMs <= atMs; changes++) {
      if (changes === MAX_CHANGES) throw new RangeError(`a session history is longer than ${MAX_CHANGES} changes`)
      isOnline = !isOnline
      sinceMs = untilMs
      untilMs += this.#scaleOf(isOnline) * Math.log(random.unit()) ** 2
    }
    return isOnline ? sinceMs : undefined
  }

  #scaleOf (isOnline: boolean): number {
    return isOnline ? this.#opts.scaleMs : this.#offScaleMs
  }

  /** The interval that holds time 0. A long one is the likelier to: √(length/λ) is then Gamma(3), and 0 lies anywhere in it. */
  #underWay (random: Random, scaleMs: number): [sinceMs: number, untilMs: number] {
    const lengthMs = scaleMs * Math.log(random.unit() * random.unit() * random.unit()) ** 2
    const pastMs = lengthMs * random.unit()
    return [-pastMs, lengthMs - pastMs]
  }
}
