import type { FastifyInstance } from 'fastify'
import { READINESS_CONDITIONS, type ReadinessReport } from '../../core/readiness.ts'
import type { Metrics } from '../../observability/metrics.ts'
import { OPEN_METRICS_TYPE, prefersOpenMetrics } from './accept-metrics.ts'

/** `GET /version`: what runs. */
export interface VersionBody {
  readonly version: string
  readonly git_sha: string
  readonly features: readonly string[]
  readonly config_digest: string
}

interface Deps {
  readonly version: VersionBody
  readonly readiness: () => ReadinessReport
  readonly metrics: Pick<Metrics, 'registry' | 'node' | 'openMetrics'>
}

/** Adds what operators' tools ask: is it alive, is it routable, what does it count, what is it. None of it needs the network. */
export function addOpsApi (app: FastifyInstance, { version, readiness, metrics }: Deps): void {
  /** Alive says nothing about being of use: a supervisor that restarts on this one does not restart a node that only lacks peers. */
  app.get('/healthz', async () => ({ status: 'ok' }))

  app.get('/readyz', async (_request, reply) => {
    const report = readiness()
    showReady(report)
    return reply.code(report.ready ? 200 : 503).header('cache-control', 'no-store').headers(report.ready ? {} : { 'retry-after': '1' }).send(report)
  })

  app.get('/metrics', async (request, reply) => {
    showReady(readiness()) // so that a scrape is true without anybody asking /readyz
    reply.header('vary', 'Accept')
    if (prefersOpenMetrics(request.headers.accept)) return reply.type(OPEN_METRICS_TYPE).send(await metrics.openMetrics())
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  })

  app.get('/version', async () => version)

  function showReady ({ ready, degraded, reasons }: ReadinessReport): void {
    metrics.node.ready.set({ state: 'true' }, ready ? 1 : 0)
    metrics.node.ready.set({ state: 'false' }, ready ? 0 : 1)
    metrics.node.ready.set({ state: 'degraded' }, degraded === undefined ? 0 : 1)
    for (const condition of READINESS_CONDITIONS) metrics.node.missing.set({ condition }, reasons.some(reason => reason.condition === condition) ? 1 : 0)
  }
}
