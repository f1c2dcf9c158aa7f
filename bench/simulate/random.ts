/**
 * Randomness that is a function of what it is asked for, so that a bucket, a session or a link of one of a million peers can be
 * worked out when a walk needs it, in any order, and comes out the same each time.
 */

const GOLDEN = 0x9e3779b9

/** murmur3's 32-bit finaliser: each bit of the input changes each bit of the output with probability one half. */
function mix (value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}

/** 32 bits that depend on the seed and up to three numbers. */
export function hashOf (seed: number, a: number, b = 0, c = 0): number {
  return mix(mix(mix(mix(seed + GOLDEN) ^ (a + GOLDEN)) ^ (b + GOLDEN)) ^ (c + GOLDEN))
}

/** Strictly between 0 and 1: its logarithm is finite. */
export function toUnit (hash: number): number {
  return (hash + 0.5) / 0x1_0000_0000
}

/** A stream of random numbers (splitmix32). */
export class Random {
  #state: number
  constructor (seed: number) {
    this.#state = mix(seed + GOLDEN)
  }

  uint32 (): number {
    this.#state = (this.#state + GOLDEN) >>> 0
    return mix(this.#state)
  }

  unit (): number { return toUnit(this.uint32()) }

  /** A whole number from 0 up to, without, `limit`. */
  below (limit: number): number { return Math.floor(this.unit() * limit) }

  /** In place: every order is equally likely. */
  shuffle<T> (values: T[]): T[] {
    for (let last = values.length - 1; last > 0; last--) {
      const other = this.below(last + 1)
      const value = values[last] as T
      values[last] = values[other] as T
      values[other] = value
    }
    return values
  }
}
