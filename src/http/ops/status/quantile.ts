import type { Share } from './snapshot.ts'

/** A histogram as prom-client gives it: cumulative counts by upper bound, summed over all label sets here. */
interface Measured { readonly metricName?: string, readonly value: number, readonly labels: Readonly<Partial<Record<string, string | number>>> }

/**
 * The value below which `share` of the observations lie, found as PromQL's histogram_quantile does: linear within its bucket,
 * and the largest finite bound beyond that. Undefined without observations.
 */
export function quantile (share: number, values: readonly Measured[]): number | undefined {
  const found = bucketOf(share, values)
  if (found === undefined) return undefined
  const { below, countBelow, bound, count, rank } = found
  return bound === Number.POSITIVE_INFINITY || count === countBelow ? below : below + (bound - below) * (rank - countBelow) / (count - countBelow)
}

/** The same of what is counted in whole numbers: the least bound that `share` of the observations are not above. */
export function wholeQuantile (share: number, values: readonly Measured[]): number | undefined {
  const found = bucketOf(share, values)
  return found?.bound === Number.POSITIVE_INFINITY ? found.below : found?.bound
}

/** How many observations there are. */
export function observations (values: readonly Measured[]): number {
  return values.reduce((sum, { metricName, value }) => metricName?.endsWith('_count') === true ? sum + value : sum, 0)
}

/** How many observations lie between each bound and the one before, by rising bound. */
export function sharesOf (values: readonly Measured[]): Share[] {
  const buckets = cumulated(values)
  return buckets.map(([upTo, count], index) => ({ upTo, count: count - (buckets[index - 1]?.[1] ?? 0) }))
}

function bucketOf (share: number, values: readonly Measured[]) {
  const buckets = cumulated(values)
  const total = buckets.at(-1)?.[1] ?? 0
  if (total === 0) return undefined
  const rank = share * total
  const index = buckets.findIndex(([, count]) => count >= rank)
  const [below, countBelow] = buckets[index - 1] ?? [0, 0]
  const [bound, count] = buckets[index] ?? [0, 0]
  return { below, countBelow, bound, count, rank }
}

function cumulated (values: readonly Measured[]): Array<readonly [number, number]> {
  const byBound = new Map<number, number>()
  for (const { metricName, value, labels } of values) {
    if (metricName?.endsWith('_bucket') !== true) continue
    const bound = labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le'])
    byBound.set(bound, (byBound.get(bound) ?? 0) + value)
  }
  return [...byBound].toSorted(([a], [b]) => a - b)
}
