import type { FastifyInstance } from 'fastify'
import type { AuditFiles } from '../../../src/http/audit-file.ts'
import type { PublicNode } from '../../../src/http/public/discv5.ts'
import { addPublicApi } from '../../../src/http/public/public-api.ts'
import { createServer } from '../../../src/http/server.ts'
import { Lookup } from '../../../src/lookup/lookup.ts'
import { ValueLookup } from '../../../src/lookup/value-lookup.ts'
import { createLogger } from '../../../src/observability/logger.ts'
import { createMetrics, type Metrics } from '../../../src/observability/metrics.ts'
import { FakePlane, FakeValues } from '../../lookup/support/planes.ts'
import { LoadMonitor } from '../../../src/policy/load-monitor.ts'

export interface ServerFixture {
  readonly url: string
  readonly app: FastifyInstance
  readonly plane: FakePlane
  readonly values: FakeValues
  /** Not started: lag is what a test notes. */
  readonly load: LoadMonitor
  readonly metrics: Metrics
  readonly clock: { now: number }
  /** Log lines so far, parsed. */
  readonly logged: ReadonlyArray<Record<string, unknown>>
}

interface Options {
  readonly audit?: AuditFiles
  readonly deadlineMs?: number
  readonly concurrent?: number
  readonly inFlight?: number
  readonly requestsPerPrefixPerSecond?: number
  readonly rateFactor?: () => number
  readonly ipnsPut?: boolean
  readonly ethereumIdentity?: boolean
  readonly node?: PublicNode
  readonly jsonRecords?: number
  readonly ndjsonRecords?: number
}

/** A log that has not published anything yet. */
const NO_LOG: AuditFiles = {
  file: async () => undefined,
}

interface Teardown { teardown (fn: () => unknown): void }

/** The public API over fake planes, listening on a free port until the test ends. */
export async function startPublicServer (t: Teardown, options: Options = {}): Promise<ServerFixture> {
  const { deadlineMs = 10_000, concurrent = 32, inFlight = 64, audit = NO_LOG, rateFactor, node, ...rest } = options
  const clock = { now: Date.UTC(2026, 0, 1) }
  const now = (): number => clock.now
  const metrics = createMetrics()
  const logged: Array<Record<string, unknown>> = []
  const log = createLogger({ level: 'trace' }, { write: line => { logged.push(JSON.parse(line)) } })
  const load = new LoadMonitor({ toleratedLagMs: 100 }, { onLag: () => {} })
  const plane = new FakePlane()
  const values = new FakeValues()
  const app = createServer({ service: 'public', inFlight }, { metrics: metrics.http, log, now })
  addPublicApi(app, {
    jsonRecords: 100, ndjsonRecords: 1000, closestPeers: 20, requestsPerPrefixPerSecond: 1_000_000, ipnsPut: true, recordTtlMs: 86_400_000, ...rest,
  }, {
    lookup: new Lookup({ deadlineMs, concurrent, cacheEntries: 1000, cacheTtlMs: 300_000, cacheEmptyTtlMs: 15_000 }, { planes: [plane], metrics: metrics.lookup, log, now }),
    values: new ValueLookup({ deadlineMs, concurrent }, { plane: values, metrics: metrics.lookup }),
    audit,
    admission: load,
    rateFactor,
    node,
    now,
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => {
    app.server.closeAllConnections()
    return app.close()
  })
  return { url, app, load, plane, values, metrics, clock, logged }
}
