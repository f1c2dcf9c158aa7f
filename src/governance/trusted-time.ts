import { refused } from './refusal.ts'

/** How far wall time and monotonic time may drift apart before neither is believed. */
const MAX_JUMP_MS = 5 * 60_000

/** Where the high-water mark is kept between runs. */
export interface TimeMark { read (): number, write (mark: number): void }

export interface Clocks {
  /** Milliseconds since 1970-01-01 UTC. */
  readonly wall: () => number
  /** Milliseconds that never jump. */
  readonly monotonic: () => number
}

/** UTC that never goes back, also over restarts, and does not follow a jump: no waiting time is made shorter by setting a clock. */
export class TrustedTime {
  readonly #clocks: Clocks
  readonly #mark: TimeMark
  #seen: number
  readonly #offset: number

  constructor (clocks: Clocks, mark: TimeMark) {
    this.#clocks = clocks
    this.#mark = mark
    this.#seen = mark.read()
    this.#offset = clocks.wall() - clocks.monotonic()
  }

  /** The least that it is by now, whatever the wall clock says: what ends by itself ends by this, also while that clock is set back. Decides nothing else. */
  get elapsed (): number { return Math.max(this.#seen, this.#offset + this.#clocks.monotonic()) }

  /** @throws {DhtError} gov_clock while the clock is behind what was seen already, or has jumped since the start */
  now (): number {
    const wall = this.#clocks.wall()
    if (wall < this.#seen - MAX_JUMP_MS) throw refused('gov_clock', 'the clock is behind the time of an earlier action')
    if (!(Math.abs(wall - this.#clocks.monotonic() - this.#offset) <= MAX_JUMP_MS)) throw refused('gov_clock', 'the clock has jumped', { hint: 'Restart the daemon once the clock is right.' })
    if (wall > this.#seen) {
      this.#mark.write(wall)
      this.#seen = wall
    }
    return this.#seen
  }
}
