/** One observation of a histogram that a trace was taken of. */
export interface Exemplar { readonly traceId: string, readonly value: number, readonly at: number }

type Labels = Readonly<Record<string, string | number>>

/** Buckets of all series that have exemplars: twice what our own latency histograms can have. */
const MAX_BUCKETS = 4000

/** The last traced observation of each bucket. Nothing is kept of requests without a trace. */
export class Exemplars {
  readonly #now: () => number
  /** Bounded by MAX_BUCKETS; beyond it new buckets get none. */
  readonly #byBucket = new Map<string, Exemplar>()

  constructor (now: () => number) {
    this.#now = now
  }

  note (metric: string, bounds: readonly number[], labels: Labels, value: number, traceId: string): void {
    const bucket = keyOf(metric, labels, bounds.find(bound => value <= bound) ?? '+Inf')
    if (this.#byBucket.size < MAX_BUCKETS || this.#byBucket.has(bucket)) this.#byBucket.set(bucket, { traceId, value, at: this.#now() })
  }

  /** Of the bucket with these labels, `le` among them. */
  of (metric: string, { le = '', ...labels }: Labels): Exemplar | undefined {
    return this.#byBucket.size === 0 ? undefined : this.#byBucket.get(keyOf(metric, labels, le))
  }
}

function keyOf (metric: string, labels: Labels, le: string | number): string {
  return `${metric} ${Object.keys(labels).sort().map(name => `${name}=${labels[name]}`).join()} ${le}`
}
