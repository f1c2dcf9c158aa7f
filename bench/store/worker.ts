/** What a process that fills a store sends home. Milliseconds, bytes, operations a second. */
export interface StoreResult {
  readonly upsertsPerSecond: number
  readonly refreshesPerSecond: number
  readonly getsPerSecond: number
  readonly getP99Us: number
  readonly rssBytesPerRecord: number
  /** Longest time the event loop was held while everything expired, and how long it took in all. */
  readonly expiryStallMs: number
  readonly expirySeconds: number
}

export const PROVIDERS_PER_KEY = 3

/** How often `operate` runs a second, over `count` times. */
export function perSecond (count: number, startedAt: number): number {
  return count / ((performance.now() - startedAt) / 1000)
}

export function rss (): number {
  globalThis.gc?.()
  return process.memoryUsage.rss()
}
