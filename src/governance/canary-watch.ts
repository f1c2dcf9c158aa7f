import { findRed, type Signals } from './canary.ts'
import type { Tracked } from './ledger.ts'

/** Counts since the daemon started, and whether it is ready. */
export interface Reading {
  /** Lookups that took at most so many seconds, by ascending bound; the last is of all. */
  readonly lookups: ReadonlyArray<readonly [seconds: number, count: number]>
  readonly requests: number
  readonly rejected: number
  readonly isReady: boolean
}

/** What a canary is judged by. */
export interface CanarySignals { read (): Promise<Reading> }

export interface Verdict { readonly proposalId: string, readonly verdict: 'green' | 'red', readonly why: string }

/** Of fewer lookups or requests than this no ratio says anything. */
const MIN_SAMPLE = 20
const BASELINE_MS = 10 * 60_000
const READ_MS = 30_000
/** What a change stirs up by itself: bootstrap peers have to be asked again. */
const SETTLE_MS = 15_000
const SETTLE_SHARE = 10
/** Without anything from before, only the goals hold. */
const NOTHING: Signals = { lookupP95Ms: 0, rejectRatio: 0, isReady: true }

interface Watched { readonly startedAt: number, readonly from: Reading, readonly baseline: Signals }

/** Watches the canaries of this daemon. Times are those of a clock that never jumps. */
export class CanaryWatch {
  readonly #signals: CanarySignals
  /** Bounded: those of ten minutes, one each half minute. */
  #readings: Array<{ readonly at: number, readonly reading: Reading }> = []
  /** Bounded by the canaries under way. */
  #watched = new Map<string, Watched>()

  constructor (signals: CanarySignals) {
    this.#signals = signals
  }

  /** What can be said of each canary now. A daemon that was restarted watches for the whole time again. */
  async look (canaries: readonly Tracked[], canaryMs: number, now: number): Promise<readonly Verdict[]> {
    const reading = await this.#signals.read()
    const watched = new Map(canaries.map(({ id }) => [id, this.#watched.get(id) ?? this.#begin(reading, now)]))
    this.#watched = watched
    if (canaries.length === 0) this.#keep(reading, now)
    return canaries.flatMap(({ id, isCanaryGreen }): readonly Verdict[] => {
      const { startedAt, from, baseline } = watched.get(id) as Watched
      const elapsedMs = now - startedAt
      if (elapsedMs < Math.min(SETTLE_MS, canaryMs / SETTLE_SHARE)) return []
      const why = findRed(baseline, signalsBetween(from, reading))
      if (why !== undefined) return [{ proposalId: id, verdict: 'red', why }]
      return elapsedMs >= canaryMs && isCanaryGreen !== true ? [{ proposalId: id, verdict: 'green', why: 'as good as before' }] : []
    })
  }

  #begin (from: Reading, startedAt: number): Watched {
    const [oldest] = this.#readings
    return { startedAt, from, baseline: oldest === undefined ? NOTHING : signalsBetween(oldest.reading, from) }
  }

  #keep (reading: Reading, at: number): void {
    const last = this.#readings.at(-1)
    if (last !== undefined && at - last.at < READ_MS) return
    this.#readings = [...this.#readings.filter(other => at - other.at < BASELINE_MS), { at, reading }]
  }
}

/** What happened between two readings. */
function signalsBetween (from: Reading, to: Reading): Signals {
  const counts = to.lookups.map(([seconds, count], at) => [seconds, count - (from.lookups[at]?.[1] ?? 0)] as const)
  const total = counts.at(-1)?.[1] ?? 0
  const [p95Seconds] = counts.find(([, count]) => count >= total * 0.95) ?? [Number.NaN]
  const rejected = to.rejected - from.rejected
  const asked = Math.max(to.requests - from.requests, rejected)
  return {
    lookupP95Ms: total < MIN_SAMPLE ? 0 : p95Seconds * 1000,
    rejectRatio: asked < MIN_SAMPLE ? 0 : rejected / asked,
    isReady: to.isReady,
  }
}
