import t, { type Test } from 'tap'
import type { ReadinessReport } from '../../../src/core/readiness.ts'
import { addOpsApi } from '../../../src/http/ops/ops-api.ts'
import { createServer } from '../../../src/http/server.ts'
import { createLogger } from '../../../src/observability/logger.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'

const READY: ReadinessReport = { ready: true, reasons: [] }
const WAITING: ReadinessReport = { ready: false, reasons: [{ condition: 'bootstrap', reason: 'no bootstrap peer answered yet' }] }
const version = { version: '1.2.3', git_sha: 'abc', features: ['quic'], config_digest: 'b3:00' }

async function start (t: Test, report: ReadinessReport) {
  const metrics = createMetrics()
  const app = createServer({ service: 'ops', inFlight: Number.POSITIVE_INFINITY }, { metrics: metrics.http, log: createLogger({ level: 'silent' }), now: Date.now })
  const state = { report }
  addOpsApi(app, { version, readiness: () => state.report, metrics })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => {
    app.server.closeAllConnections()
    return app.close()
  })
  return { url, state }
}

t.test('healthz answers while the process runs, ready or not', async t => {
  const { url } = await start(t, WAITING)
  const response = await fetch(`${url}/healthz`)
  t.equal(response.status, 200)
  t.strictSame(await response.json(), { status: 'ok' })
})

t.test('readyz says whether the node is routable, and what is missing', async t => {
  const { url, state } = await start(t, WAITING)
  const waiting = await fetch(`${url}/readyz`)
  t.equal(waiting.status, 503)
  t.equal(waiting.headers.get('cache-control'), 'no-store')
  t.ok(waiting.headers.get('retry-after'))
  t.strictSame(await waiting.json(), WAITING)
  state.report = READY
  const ready = await fetch(`${url}/readyz`)
  t.equal(ready.status, 200)
  t.strictSame(await ready.json(), READY)
})

t.test('metrics show readiness as it is at the scrape', async t => {
  const { url, state } = await start(t, WAITING)
  const scrape = async () => {
    const response = await fetch(`${url}/metrics`)
    t.match(response.headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
    return await response.text()
  }
  t.match(await scrape(), /ready_state\{state="true"\} 0\nready_state\{state="false"\} 1\n/)
  state.report = READY
  t.match(await scrape(), /ready_state\{state="true"\} 1\nready_state\{state="false"\} 0\n/)
})

t.test('version says what runs', async t => {
  const { url } = await start(t, READY)
  t.strictSame(await (await fetch(`${url}/version`)).json(), version)
})

t.test('an unknown path is 404, another method 405', async t => {
  const { url } = await start(t, READY)
  t.equal((await fetch(url)).status, 404)
  t.equal((await fetch(`${url}/healthz`, { method: 'POST' })).status, 405)
})
