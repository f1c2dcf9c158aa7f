/** A histogram as prom-client gives it: cumulative counts by upper bound, summed over all label sets here. */
interface Measured { readonly metricName?: string, readonly value: number, readonly labels: Readonly<Partial<Record<string, string | number>>> }

/**
 * The value below which `share` of the observations lie, found as PromQL's histogram_quantile does: linear within its bucket,
 * and the largest finite bound beyond that. Undefined without observations.
 */
export function quantile (share: number, values: readonly Measured[]): number | undefined {
  const byBound = new Map<number, number>()
  for (const { metricName, value, labels } of values) {
    if (metricName?.endsWith('_bucket') !== true) continue
    const bound = labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le'])
    byBound.set(bound, (byBound.get(bound) ?? 0) + value)
  }
  const buckets = [...byBound].toSorted(([a], [b]) => a - b)
  const total = buckets.at(-1)?.[1] ?? 0
  if (total === 0) return undefined
  const rank = share * total
  const index = buckets.findIndex(([, count]) => count >= rank)
  const [below, countBelow] = buckets[index - 1] ?? [0, 0]
  const [bound, count] = buckets[index] ?? [0, 0]
  return bound === Number.POSITIVE_INFINITY || count === countBelow ? below : below + (bound - below) * (rank - countBelow) / (count - countBelow)
}

/** How many observations there are. */
export function observations (values: readonly Measured[]): number {
  return values.reduce((sum, { metricName, value }) => metricName?.endsWith('_count') === true ? sum + value : sum, 0)
}
