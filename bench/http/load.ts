import autocannon from 'autocannon'

export interface HttpLoad {
  readonly requests: number
  readonly perSecond: number
  /** Whole milliseconds, as autocannon has them; less than one counts as one. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers whose status was not 200, and requests without an answer. */
  readonly refused: number
}

/** GETs on keep-alive connections, one request in flight on each, for `durationMs`. */
export async function runHttpLoad (url: URL, { connections, durationMs }: { readonly connections: number, readonly durationMs: number }): Promise<HttpLoad> {
  if (!url.hostname.startsWith('127.')) throw new Error(`${url.hostname} is not on loopback`)
  const result = await autocannon({ url: url.href, connections, duration: durationMs / 1000, headers: { accept: 'application/json' } })
  const { requests, latency, duration, errors } = result
  return { requests: requests.total, perSecond: requests.total / duration, p50Ms: Math.max(1, latency.p50), p99Ms: Math.max(1, latency.p99), refused: requests.total - result['2xx'] + errors }
}
