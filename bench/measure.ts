/** One measured figure beside the peer's. A line of `--json` output. */
export interface Figure {
  readonly bench: string
  readonly load: string
  readonly unit: string
  readonly ours: number
  /** What we compare with, and its figure; null where there is nothing comparable. */
  readonly peer: string | null
  readonly theirs: number | null
  /** How many times better ours is: above 1 is better, whichever way the unit goes. */
  readonly ratio: number | null
}

/** How long a bench takes for its figures. `quick` shows only that it works: one short round each, and figures that mean nothing. */
export interface Effort {
  readonly rounds: number
  readonly roundMs: number
}

export const FULL = { rounds: 3, roundMs: 1500 } as const satisfies Effort
export const QUICK = { rounds: 1, roundMs: 100 } as const satisfies Effort

/** The middle of the sorted values; of an even count the lower one. */
export function median (values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN
}

/** Nearest-rank percentile. */
export function percentile (values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * percent / 100) - 1)] ?? Number.NaN
}

interface Compared {
  readonly bench: string
  readonly load: string
  readonly unit: string
  readonly ours: readonly number[]
  readonly peer: string
  readonly theirs: readonly number[]
  readonly better: 'lower' | 'higher'
}

/** Medians of both, and the median of the ratios round by round: the machine's mood cancels out within a round. */
export function compare ({ bench, load, unit, ours, peer, theirs, better }: Compared): Figure {
  const ratios = ours.map((value, round) => better === 'lower' ? (theirs[round] ?? Number.NaN) / value : value / (theirs[round] ?? Number.NaN))
  return { bench, load, unit, ours: round3(median(ours)), peer, theirs: round3(median(theirs)), ratio: round3(median(ratios)) }
}

export function alone (bench: string, load: string, unit: string, ours: readonly number[]): Figure {
  return { bench, load, unit, ours: round3(median(ours)), peer: null, theirs: null, ratio: null }
}

function round3 (value: number): number {
  return Number(value.toPrecision(3))
}
