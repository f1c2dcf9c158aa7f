import type { Sample } from './snapshot.ts'

export interface Point { readonly at: number, readonly value: number }

/** Points of a plot: more would not be seen, and go to each open page at every look. */
const MAX_POINTS = 90

/** A figure over time. Of samples that share a point the largest counts, so that no peak is lost. */
export function seriesOf (samples: readonly Sample[], pick: (sample: Sample) => number): Point[] {
  return slicesOf(samples).map(slice => ({ at: slice.at(-1)?.at ?? 0, value: Math.max(...slice.map(pick)) }))
}

/** How fast a figure grew, a minute. */
export function ratesOf (samples: readonly Sample[], pick: (sample: Sample) => number): Point[] {
  let before = samples[0]
  return slicesOf(samples.slice(1)).flatMap(slice => {
    const last = slice.at(-1)
    if (before === undefined || last === undefined || last.at <= before.at) return []
    const value = (pick(last) - pick(before)) / (last.at - before.at) * 60_000
    before = last
    return [{ at: last.at, value }]
  })
}

/** Equal slices of time, which stay where they are while new samples come. */
function slicesOf (samples: readonly Sample[]): Sample[][] {
  const widthMs = Math.max(1, Math.ceil(((samples.at(-1)?.at ?? 0) - (samples[0]?.at ?? 0)) / (MAX_POINTS - 1)))
  return [...Map.groupBy(samples, ({ at }) => Math.floor(at / widthMs)).values()]
}
