/** Seconds of its rate that a quiet party may use at once. */
const BURST_SECONDS = 4

interface Options {
  readonly perSecond: number
  /** Parties remembered; the one that was quiet longest is forgotten first, which costs it nothing but its debt. */
  readonly parties?: number
}

interface Bucket { tokens: number, filledAt: number }

/** A token bucket for each party: `perSecond` on average, four seconds' worth at once. Pure but for its table; time is passed in. */
export class RateLimit {
  readonly #perSecond: number
  readonly #parties: number
  /** Bounded by `parties`, in order of last use. */
  readonly #buckets = new Map<string, Bucket>()

  constructor ({ perSecond, parties = 65_536 }: Options) {
    this.#perSecond = perSecond
    this.#parties = parties
  }

  /**
   * Takes one token. Returns 0 when there was one, else the milliseconds until there is. A party may be held to less than the
   * common rate, never given more.
   */
  take (party: string, now: number, atMost = this.#perSecond): number {
    const perSecond = Math.min(atMost, this.#perSecond)
    const bucket = this.#refill(party, now, perSecond)
    if (bucket.tokens < 1) return Math.ceil((1 - bucket.tokens) / perSecond * 1000)
    bucket.tokens -= 1
    return 0
  }

  /** Whole tokens the party could take now. */
  available (party: string, now: number): number {
    const bucket = this.#buckets.get(party)
    return bucket === undefined ? burstOf(this.#perSecond) : Math.floor(this.#filled(bucket, now, this.#perSecond))
  }

  #refill (party: string, now: number, perSecond: number): Bucket {
    const known = this.#buckets.get(party)
    const bucket = known ?? { tokens: burstOf(perSecond), filledAt: now }
    if (known !== undefined) {
      bucket.tokens = this.#filled(known, now, perSecond)
      bucket.filledAt = now
      this.#buckets.delete(party)
    } else if (this.#buckets.size >= this.#parties) {
      this.#buckets.delete(this.#buckets.keys().next().value as string)
    }
    this.#buckets.set(party, bucket)
    return bucket
  }

  #filled (bucket: Bucket, now: number, perSecond: number): number {
    const elapsedMs = Math.max(0, now - bucket.filledAt) // a clock that went back earns nothing
    return Math.min(burstOf(perSecond), bucket.tokens + elapsedMs / 1000 * perSecond)
  }
}

/** At least one, or a rate below a quarter of a request a second would never let one through. */
function burstOf (perSecond: number): number {
  return Math.max(1, perSecond * BURST_SECONDS)
}
