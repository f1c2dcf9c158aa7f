import type { Clock } from '../../../core/component.ts'
import type { ReadinessReport } from '../../../core/readiness.ts'
import type { Metrics } from '../../../observability/metrics.ts'
import { agendaOf } from './agenda.ts'
import { observations, quantile } from './quantile.ts'
import type { StatusSnapshot, StatusSource } from './snapshot.ts'

interface Options extends Pick<StatusSnapshot, 'version' | 'profile' | 'protocol' | 'configDigest' | 'bucketSize'> {
  /** Milliseconds since 1970-01-01 UTC. */
  readonly startedAt: number
}

interface Deps {
  readonly readiness: () => ReadinessReport
  readonly inspection: {
    totals (): { readonly peerId: string, readonly connections: number, readonly providerRecords: number, readonly providerKeys: number, readonly values: number }
    keyspace (): Pick<StatusSnapshot, 'position' | 'peers' | 'buckets'>
  }
  readonly audit: { head (): Omit<StatusSnapshot['audit'], 'signedAt'> }
  readonly governance: Parameters<typeof agendaOf>[0]
  readonly metrics: Pick<Metrics, 'node' | 'lookup' | 'rejected' | 'audit'>
  readonly now: Clock
}

/** The daemon as its status page sees it: what its parts say, and what its metrics have counted. */
export class DaemonStatus implements StatusSource {
  readonly #opts: Options
  readonly #deps: Deps

  constructor (opts: Options, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
  }

  async snapshot (): Promise<StatusSnapshot> {
    const { readiness, inspection, audit, governance, metrics, now } = this.#deps
    const { startedAt, ...constants } = this.#opts
    const { peerId, connections, providerRecords, providerKeys, values } = inspection.totals()
    const { size, published, root, refusal } = audit.head()
    const [seconds, hops, rejected, lag, signed] = await Promise.all([
      metrics.lookup.seconds.get(), metrics.lookup.hops.get(), metrics.rejected.get(), metrics.node.lag.get(), metrics.audit.checkpointTime.get(),
    ])
    return {
      ...constants,
      ...inspection.keyspace(),
      at: now(),
      uptimeMs: now() - startedAt,
      peerId,
      connections,
      values,
      records: providerRecords,
      keys: providerKeys,
      readiness: readiness(),
      audit: { size, published, root, refusal, signedAt: (signed.values[0]?.value ?? 0) * 1000 },
      agenda: agendaOf(governance),
      rssBytes: process.memoryUsage.rss(),
      lagSeconds: lag.values[0]?.value ?? 0,
      rejected: rejected.values.map(({ labels, value }) => ({ reason: String(labels.reason), count: value })),
      lookups: {
        count: observations(seconds.values),
        p50: quantile(0.5, seconds.values),
        p95: quantile(0.95, seconds.values),
        hopsP50: quantile(0.5, hops.values),
        hopsP99: quantile(0.99, hops.values),
      },
    }
  }
}
