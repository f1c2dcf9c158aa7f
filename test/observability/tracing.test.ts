import t, { type Test } from 'tap'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { Tracing } from '../../src/observability/tracing.ts'
import { metricValue } from '../kad/fixtures.ts'
import { startCollector } from './support/collector.ts'

const PARENT = { trace: '0af7651916cd43dd8448eb211c80319c', span: 'b7ad6b7169203331' }
const DEFAULTS = { oneIn: 1, version: '1.2.3', instance: 'peer', queue: 1000, intervalMs: 60_000, timeoutMs: 500, drainMs: 1000 }

async function setUp (t: Test, endpoint: string, { random, ...options }: Partial<typeof DEFAULTS> & { readonly random?: () => number } = {}) {
  const metrics = createMetrics()
  const lines: string[] = []
  const log = createLogger({ level: 'info' }, { write: line => { lines.push(line) } })
  const tracing = new Tracing({ ...DEFAULTS, ...options, endpoint }, { metrics: metrics.tracing, log, ...(random !== undefined && { random }) })
  await tracing.start()
  t.teardown(async () => { await tracing.stop() })
  return { tracing, lines, spans: async (outcome: string) => await metricValue(metrics, 'svc_dht_tracing_spans_total', `outcome="${outcome}"`) }
}

t.test('spans arrive at the collector with their parents, kinds and what they say', async t => {
  const collector = await startCollector(t)
  const { tracing, spans } = await setUp(t, collector.endpoint)
  const request = tracing.begin('GET /x', { attributes: { 'http.route': '/x' } })
  const lookup = request?.child('lookup')
  const rpc = lookup?.child('GET_PROVIDERS', { 'svc_dht.peer': 'p' }, 'client')
  rpc?.end('TimeoutError')
  lookup?.set({ 'svc_dht.lookup.records': 2 })
  lookup?.end()
  request?.end()
  request?.end()
  request?.set({ 'svc_dht.request_id': 'late' })
  await tracing.stop()

  const [sentRpc, sentLookup, sentRequest] = collector.spans
  t.equal(collector.spans.length, 3)
  t.match(sentRequest, { name: 'GET /x', kind: 2, attributes: { 'http.route': '/x' }, failed: false, service: 'svc-dht' })
  t.notOk(sentRequest?.parentSpanId)
  t.match(sentLookup, { name: 'lookup', kind: 1, parentSpanId: sentRequest?.spanId, attributes: { 'svc_dht.lookup.records': 2 } })
  t.match(sentRpc, { name: 'GET_PROVIDERS', kind: 3, parentSpanId: sentLookup?.spanId, failed: true, attributes: { 'svc_dht.peer': 'p', 'error.type': 'TimeoutError' } })
  t.equal(new Set(collector.spans.map(({ traceId }) => traceId)).size, 1)
  t.equal(request?.traceId, sentRequest?.traceId)
  t.equal(await spans('sent'), 3)
})

t.test('a caller’s context is continued as it decided; what is no context begins a new trace', async t => {
  const collector = await startCollector(t)
  const { tracing } = await setUp(t, collector.endpoint)
  const begin = (traceparent?: string) => tracing.begin('x', { attributes: {}, traceparent })
  begin(`00-${PARENT.trace}-${PARENT.span}-01`)?.end()
  t.equal(begin(`00-${PARENT.trace}-${PARENT.span}-00`), undefined, 'the caller takes none')
  const wrong = ['', 'x', `00-${'0'.repeat(32)}-${PARENT.span}-01`, `00-${PARENT.trace}-${'0'.repeat(16)}-01`, `ff-${PARENT.trace}-${PARENT.span}-01`, `00-${PARENT.trace}-${PARENT.span}-01-more`]
  for (const traceparent of wrong) begin(traceparent)?.end()
  await tracing.stop()
  const [continued, ...fresh] = collector.spans
  t.match(continued, { traceId: PARENT.trace, parentSpanId: PARENT.span })
  t.equal(fresh.length, wrong.length)
  for (const { traceId, parentSpanId } of fresh) {
    t.not(traceId, PARENT.trace)
    t.notOk(parentSpanId)
  }
})

t.test('one trace in so many is taken, and the others cost no span', async t => {
  const collector = await startCollector(t)
  const draws = [0, 0.0099, 0.01, 0.5, 0.999].values()
  const { tracing } = await setUp(t, collector.endpoint, { oneIn: 100, random: () => draws.next().value ?? Number.NaN })
  t.strictSame([1, 2, 3, 4, 5].map(() => tracing.begin('x', { attributes: {} }) !== undefined), [true, true, false, false, false])
})

t.test('who shares the work of another trace links to it', async t => {
  const collector = await startCollector(t)
  const { tracing } = await setUp(t, collector.endpoint)
  const [walk, shared] = [tracing.begin('walk', { attributes: {} }), tracing.begin('lookup', { attributes: {} })]
  if (walk !== undefined) shared?.link(walk)
  shared?.end()
  walk?.end()
  await tracing.stop()
  t.strictSame(collector.spans[0]?.links, [collector.spans[1]?.spanId])
})

t.test('spans beyond the queue are dropped and counted', async t => {
  const collector = await startCollector(t)
  const { tracing, spans } = await setUp(t, collector.endpoint, { queue: 64 })
  for (let index = 0; index < 100; index++) tracing.begin('x', { attributes: {} })?.end()
  t.equal(await spans('queue'), 36)
  await tracing.stop()
  t.equal(collector.spans.length, 64)
  tracing.begin('x', { attributes: {} })?.end()
  t.equal(await spans('stopped'), 1, 'after the stop')
})

t.test('a full batch leaves before the interval is over', async t => {
  const collector = await startCollector(t)
  const { tracing, spans } = await setUp(t, collector.endpoint)
  for (let index = 0; index < 512; index++) tracing.begin('x', { attributes: {} })?.end()
  while (await spans('sent') === 0) await new Promise(setImmediate)
  t.equal(collector.spans.length, 512)
})

t.test('a collector that is not there costs counted drops, one line of log, and no wait beyond the drain time', async t => {
  const { tracing, spans, lines } = await setUp(t, 'http://127.0.0.1:9/v1/traces', { intervalMs: 20 })
  for (const part of [1, 2]) {
    for (let index = 0; index < 10; index++) tracing.begin('x', { attributes: {} })?.end()
    while (await spans('collector') < part * 10) await new Promise(setImmediate)
  }
  tracing.begin('x', { attributes: {} })?.end()
  await tracing.stop()
  t.equal(await spans('collector') + await spans('stopped'), 21)
  t.equal(await spans('sent'), 0)
  t.equal(lines.length, 1)
})

t.test('a stop ends within its time, whatever the collector does', async t => {
  const collector = await startCollector(t, () => {}) // takes the request and never answers
  const { tracing, spans } = await setUp(t, collector.endpoint, { queue: 5000, intervalMs: 10, timeoutMs: 300, drainMs: 600 })
  for (let index = 0; index < 3000; index++) tracing.begin('x', { attributes: {} })?.end()
  const startedAt = performance.now()
  await tracing.stop()
  t.ok(performance.now() - startedAt < 2000, 'its time is 600 ms; the rest is for a busy machine')
  t.equal(await spans('collector') + await spans('stopped'), 3000)
  await tracing.stop()
})

t.test('what a collector refuses is dropped, and it is asked again', async t => {
  let refusals = 1
  const collector = await startCollector(t, (_request, response) => { response.writeHead(refusals-- > 0 ? 400 : 200).end('{}') })
  const { tracing, spans } = await setUp(t, collector.endpoint, { intervalMs: 10 })
  for (const outcome of ['collector', 'sent']) {
    tracing.begin('x', { attributes: {} })?.end()
    while (await spans(outcome) === 0) await new Promise(setImmediate)
  }
  t.equal(await spans('collector'), 1)
  t.equal(await spans('sent'), 1)
})
