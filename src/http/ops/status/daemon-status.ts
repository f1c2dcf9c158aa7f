import type { Clock } from '../../../core/component.ts'
import type { ReadinessReport } from '../../../core/readiness.ts'
import type { Metrics } from '../../../observability/metrics.ts'
import { agendaOf } from './agenda.ts'
import { observations, quantile, sharesOf, wholeQuantile } from './quantile.ts'
import type { Discv5Figures, StatusSnapshot, StatusSource } from './snapshot.ts'

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
  /** Undefined while the plane is off. */
  readonly discv5: {
    stats (): { readonly tableNodes: number, readonly liveNodes: number, readonly sessions: number }
    table (): ReadonlyArray<{ readonly distance: number }>
  } | undefined
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
    const { readiness, inspection, audit, discv5, governance, metrics, now } = this.#deps
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
      discv5: discv5 === undefined ? undefined : toFigures(discv5),
      agenda: agendaOf(governance),
      rssBytes: process.memoryUsage.rss(),
      lagSeconds: lag.values[0]?.value ?? 0,
      rejected: rejected.values.map(({ labels, value }) => ({ reason: String(labels.reason), count: value })),
      lookups: {
        count: observations(seconds.values),
        p50: quantile(0.5, seconds.values),
        p95: quantile(0.95, seconds.values),
        hopsP50: wholeQuantile(0.5, hops.values),
        hopsP99: wholeQuantile(0.99, hops.values),
        seconds: sharesOf(seconds.values),
        hops: sharesOf(hops.values),
      },
    }
  }
}

function toFigures (discv5: NonNullable<Deps['discv5']>): Discv5Figures {
  const { tableNodes: nodes, liveNodes, sessions } = discv5.stats()
  const distances = [...Map.groupBy(discv5.table(), ({ distance }) => distance)].map(([distance, { length }]) => ({ distance, nodes: length }))
  return { nodes, liveNodes, sessions, distances: distances.toSorted((a, b) => b.distance - a.distance) }
}
