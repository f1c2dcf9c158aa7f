import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import { startTestDaemon, startTestOverlay, until, type TestDaemon } from '../daemon.ts'
import { cid } from '../lookup/support/peers.ts'
import { only } from '../patterns.ts'
import { ROOT, startCommand } from '../process.ts'
import { startCollector, type SentSpan } from './support/collector.ts'

t.setTimeout(60_000)

const PARENT = { trace: '0af7651916cd43dd8448eb211c80319c', span: 'b7ad6b7169203331' }
const TRACEPARENT = { traceparent: `00-${PARENT.trace}-${PARENT.span}-01` }

const tracedTo = (endpoint: string, more: Readonly<Record<string, string>> = {}) => ({ flags: { 'tracing.endpoint': endpoint, 'tracing.oneIn': '1', 'tracing.interval': '10ms', 'log.level': 'debug', ...more } })

/** One request to the admin socket with the owner's capability, or the one given. */
async function askAdmin (daemon: TestDaemon, path: string, { token = ownerToken(daemon), ...headers }: Readonly<Record<string, string>> = {}, body?: object): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const sent = body === undefined ? { method: 'GET', json: undefined } : { method: 'POST', json: JSON.stringify(body) }
  const type = sent.json === undefined ? {} : { 'content-type': 'application/json' }
  request({ socketPath: daemon.adminSocket, path, method: sent.method, headers: { authorization: `Bearer ${token}`, ...type, ...headers } }, response => { response.resume().on('end', resolve) }).on('error', reject).end(sent.json)
  await promise
}

function ownerToken (daemon: TestDaemon): string {
  return readFileSync(join(dirname(daemon.adminSocket), 'admin.cap'), 'utf8').trim()
}

const named = (spans: readonly SentSpan[], name: string): SentSpan | undefined => spans.find(span => span.name === name)

t.test('a trace shows a request, its lookup, the walk and each RPC, one under the other', async t => {
  const collector = await startCollector(t)
  const [asked] = await startTestOverlay(t, 3, tracedTo(collector.endpoint))
  if (asked === undefined) return t.fail('no overlay')
  const response = await fetch(`${asked.publicUrl}/routing/v1/providers/${cid('nobody has it')}`, { headers: TRACEPARENT })
  t.equal(response.status, 200)
  await response.body?.cancel()
  await until(() => named(collector.spans, 'GET /routing/v1/providers/:cid') !== undefined, 'the request is traced')

  const server = named(collector.spans, 'GET /routing/v1/providers/:cid')
  const [lookup, walk] = [named(collector.spans, 'lookup providers'), named(collector.spans, 'walk')]
  const rpcs = collector.spans.filter(({ name }) => name === 'GET_PROVIDERS')
  t.match(server, { kind: 2, attributes: { 'http.route': '/routing/v1/providers/:cid', 'svc_dht.surface': 'public', 'svc_dht.request_id': response.headers.get('x-request-id') } })
  t.not(server?.traceId, PARENT.trace, 'the public API takes no context of strangers')
  t.notOk(server?.parentSpanId)
  t.match(lookup, { parentSpanId: server?.spanId, attributes: { 'svc_dht.lookup.kind': 'providers', 'svc_dht.lookup.outcome': 'empty', 'svc_dht.lookup.cache': 'miss' } })
  t.match(walk, { parentSpanId: lookup?.spanId })
  t.equal(rpcs.length, 2, 'two others are in the overlay')
  for (const rpc of rpcs) t.match(rpc, { kind: 3, parentSpanId: walk?.spanId, traceId: server?.traceId, failed: false, attributes: { 'svc_dht.peer': /^12D3Koo/ } })
  t.equal(Number(walk?.attributes['svc_dht.walk.messages']), 2)
  t.ok(asked.logs.some(line => line['trace_id'] === server?.traceId && line['request_id'] === response.headers.get('x-request-id')), 'the log names the trace')
})

t.test('a trace of an announcement shows the walk to the closest peers, and each that was told', async t => {
  const collector = await startCollector(t)
  const [announcing] = await startTestOverlay(t, 3, tracedTo(collector.endpoint))
  if (announcing === undefined) return t.fail('no overlay')
  await askAdmin(announcing, '/v1/providers', TRACEPARENT, { key: `b3:${'5a'.repeat(32)}` })
  await until(() => named(collector.spans, 'POST /v1/providers') !== undefined, 'the request is traced')
  const [server, announce] = [named(collector.spans, 'POST /v1/providers'), named(collector.spans, 'announce')]
  t.match(announce, { traceId: PARENT.trace, parentSpanId: server?.spanId, failed: false })
  t.equal(Number(announce?.attributes['svc_dht.announce.reached']), 2)
  t.ok(Number(announce?.attributes['svc_dht.walk.messages']) >= 2)
  const told = collector.spans.filter(({ name, kind, parentSpanId }) => name === 'ADD_PROVIDER' && kind === 3 && parentSpanId === announce?.spanId)
  t.equal(told.length, 2)
  t.ok(collector.spans.some(({ name, parentSpanId }) => name === 'FIND_NODE' && parentSpanId === announce?.spanId), 'and who was asked for them')
})

t.test('the admin API continues the trace of its caller, and tells no collector a capability', async t => {
  const collector = await startCollector(t)
  const daemon = await startTestDaemon(t, tracedTo(collector.endpoint))
  await askAdmin(daemon, '/v1/status', TRACEPARENT)
  await askAdmin(daemon, '/v1/status', { ...TRACEPARENT, token: 'bm90IGEgbWFjYXJvb24' })
  await until(() => collector.spans.length >= 2, 'both requests are traced')
  const [served, refused] = collector.spans
  t.match(served, { traceId: PARENT.trace, parentSpanId: PARENT.span, name: 'GET /v1/status', attributes: { 'svc_dht.grant': /^\w/ } })
  t.match(refused, { traceId: PARENT.trace, attributes: { 'error.type': 'NoCapability' } })
  const sent = collector.bodies.join('')
  for (const secret of [ownerToken(daemon), 'bm90IGEgbWFjYXJvb24']) t.notOk(sent.includes(secret))
})

t.test('a daemon serves as ever while its collector is dead, counts what it drops, and stops in time', async t => {
  const daemon = await startTestDaemon(t, tracedTo('http://127.0.0.1:9/v1/traces'))
  for (let index = 0; index < 20; index++) t.equal((await fetch(`${daemon.publicUrl}/openapi.json`)).status, 200)
  await until(async () => await daemon.metric('svc_dht_tracing_spans_total{outcome="collector"}') > 0, 'spans are dropped')
  const startedAt = performance.now()
  await daemon[Symbol.asyncDispose]()
  t.ok(performance.now() - startedAt < 5000, 'its drain time is 1 s; the rest is for a busy machine')
  t.equal(await daemon.metric('svc_dht_tracing_spans_total{outcome="sent"}'), 0)
})

t.test('what was traced until the stop is sent in it', async t => {
  const collector = await startCollector(t)
  const daemon = await startTestDaemon(t, tracedTo(collector.endpoint, { 'tracing.interval': '30s' }))
  await (await fetch(`${daemon.publicUrl}/openapi.json`)).text()
  t.equal(collector.spans.length, 0)
  await daemon[Symbol.asyncDispose]()
  t.match(collector.spans, only({ name: 'GET /openapi.json' }))
})

/** Prints every module of OpenTelemetry that is loaded, but for its API, which prom-client brings along. */
const SPY = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  registerHooks({ load (url, context, next) { if (/\\/@opentelemetry\\/(?!api\\/)/.test(url)) process.stderr.write(url + '\\n'); return next(url, context) } })
`)}`

t.test('without a collector no SDK and no exporter is loaded', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const ports = ['kad.listen=/ip4/127.0.0.1/tcp/0', 'public.listen=127.0.0.1:0', 'ops.listen=127.0.0.1:0', 'discv5.listen=127.0.0.1:0'].flatMap(flag => ['--set', flag])
  const run = async (...more: readonly string[]): Promise<string> => {
    const daemon = startCommand(t, process.execPath, ['--import', SPY, join(ROOT, 'src/svc-dht.ts'), 'run', ...ports, ...more], { XDG_RUNTIME_DIR: folder })
    await daemon.printed(/"msg":"started"/)
    daemon.child.kill('SIGTERM')
    const { code, stderr } = await daemon.exit
    t.equal(code, 0)
    return stderr
  }
  t.equal(await run(), '')
  t.match(await run('--set', 'tracing.endpoint=http://127.0.0.1:9/v1/traces'), '@opentelemetry/sdk-trace', 'the spy sees')
})
