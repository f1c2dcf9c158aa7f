import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Registry } from 'prom-client'
import { prefersOpenMetrics } from '../../src/http/ops/accept-metrics.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { Exemplars } from '../../src/observability/exemplars.ts'
import { toOpenMetrics } from '../../src/observability/open-metrics.ts'
import { startTestDaemon, until, type TestDaemon } from '../daemon.ts'
import { only } from '../patterns.ts'
import { startCollector } from './support/collector.ts'

t.setTimeout(90_000)

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const OPEN = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5'

const hasProgram = (name: string): boolean => spawnSync(name, ['--version']).status === 0

async function scrape (daemon: TestDaemon, accept?: string) {
  const response = await fetch(`${daemon.opsUrl}/metrics`, accept === undefined ? {} : { headers: { accept } })
  return { type: response.headers.get('content-type'), vary: response.headers.get('vary'), text: await response.text() }
}

/** A daemon that answered some requests of its public API. */
async function askedDaemon (t: Test, flags: Readonly<Record<string, string>> = {}): Promise<TestDaemon> {
  const daemon = await startTestDaemon(t, { flags })
  for (const path of ['/openapi.json', '/routing/v1/providers/nonsense', '/nothing']) await (await fetch(`${daemon.publicUrl}${path}`)).text()
  return daemon
}

t.test('OpenMetrics is written by its rules: families, bounds as floats, its end', async t => {
  const metrics = createMetrics()
  metrics.http.requests.inc({ service: 'public', route: '/x', code: '200' }, 3)
  metrics.http.seconds.observe({ service: 'public', route: '/x', method: 'GET' }, 0.004)
  metrics.http.seconds.observe({ service: 'public', route: '/x', method: 'GET' }, 400)
  metrics.http.exemplify({ method: 'GET', route: '/x', service: 'public' }, 0.004, TRACE)
  metrics.http.exemplify({ method: 'GET', route: '/x', service: 'public' }, 400, TRACE)
  const text = await metrics.openMetrics()
  t.match(text, '# TYPE http_requests counter\n# HELP http_requests HTTP requests, by listener, route and status.\nhttp_requests_total{service="public",route="/x",code="200"} 3\n')
  t.match(text, /request_latency_seconds_bucket\{le="0\.005",service="public",route="\/x",method="GET"\} 1 # \{trace_id="0af7651916cd43dd8448eb211c80319c"\} 0\.004 \d{10}(\.\d+)?\n/)
  t.match(text, /le="1\.0",/)
  t.match(text, /request_latency_seconds_bucket\{le="\+Inf",[^}]*\} 2 # \{trace_id="[0-9a-f]{32}"\} 400 /)
  t.equal(text.match(/trace_id/g)?.length, 2, 'one for each bucket, not for those above it')
  t.ok(text.endsWith('\n# EOF\n'))
  t.notMatch(text, /\n\n/)
  t.match(await metrics.registry.metrics(), '# TYPE http_requests_total counter', 'and the text format is as before')
})

t.test('what values and labels hold cannot break a line', async t => {
  const metrics = createMetrics()
  metrics.node.build.set({ version: 'a"b\\c\nd', git_sha: 'x' }, 1)
  metrics.node.lag.set(Number.POSITIVE_INFINITY)
  const text = await metrics.openMetrics()
  t.match(text, 'svc_dht_build_info{version="a\\"b\\\\c\\nd",git_sha="x"} 1\n')
  t.match(text, 'svc_dht_event_loop_lag_seconds +Inf\n')
  t.equal(await toOpenMetrics(new Registry(), new Exemplars(() => 0)), '# EOF\n')
})

t.test('exemplars are bounded', async t => {
  const exemplars = new Exemplars(() => 1000)
  for (let index = 0; index < 5000; index++) exemplars.note('m', [1], { route: String(index) }, 0.5, TRACE)
  t.strictSame(exemplars.of('m', { route: '3999', le: 1 }), { traceId: TRACE, value: 0.5, at: 1000 })
  t.equal(exemplars.of('m', { route: '4000', le: 1 }), undefined)
  exemplars.note('m', [1], { route: '0' }, 0.25, TRACE)
  t.equal(exemplars.of('m', { route: '0', le: 1 })?.value, 0.25, 'those that are there are renewed')
})

t.test('the format is the one that the client prefers', async t => {
  for (const [accept, isOpen] of [
    [undefined, false], ['', false], ['*/*', false], ['text/plain', false], ['application/openmetrics-text', true], [OPEN, true],
    ['application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1', true],
    ['application/openmetrics-text; version=1.0.0; q=0.4, text/plain; q=0.5', false], ['application/openmetrics-text;version=0.0.1', false],
    ['application/openmetrics-text;q=0', false], ['application/openmetrics-text;q=x', false], [`${'a,'.repeat(5000)}application/openmetrics-text`, false],
  ] as const) t.equal(prefersOpenMetrics(accept), isOpen, String(accept).slice(0, 60))
})

t.test('each format has its own type, whichever was asked for before', async t => {
  const daemon = await askedDaemon(t)
  const [text, open, again] = [await scrape(daemon), await scrape(daemon, OPEN), await scrape(daemon, 'text/plain')]
  t.match(open, { type: 'application/openmetrics-text; version=1.0.0; charset=utf-8', vary: 'Accept', text: /# EOF\n$/ })
  for (const { type, text: page } of [text, again]) {
    t.equal(type, 'text/plain; version=0.0.4; charset=utf-8')
    t.notMatch(page, '# EOF')
  }
  const namesOf = (page: string): string[] => [...new Set(page.split('\n').filter(line => !line.startsWith('#')).map(line => line.split(/[{ ]/)[0] ?? '').filter(name => name !== ''))].sort()
  t.strictSame(namesOf(open.text), namesOf(again.text), 'a series has the same name in both')
})

t.test('promtool finds nothing wrong with our metrics', { skip: hasProgram('promtool') ? false : 'promtool is not installed' }, async t => {
  const { text } = await scrape(await askedDaemon(t))
  const ours = text.split('\n\n').filter(family => !/^# HELP (libp2p|nodejs|process)_/.test(family)).join('\n')
  const { stdout, stderr, status } = spawnSync('promtool', ['check', 'metrics'], { input: `${ours}\n`, encoding: 'utf8' })
  t.ok(status === 0 || status === 3, 'no error; 3 is for advice')
  t.strictSame(`${stdout}${stderr}`.split('\n').filter(line => line !== '' && !/governance_propagate_ms|svc_dht_governance_pending_ms|_info/.test(line)), [], 'names that the requirements give are not ours to change')
})

t.test('a Prometheus that asks for OpenMetrics takes it all, and knows the traces of latencies', { skip: hasProgram('prometheus') ? false : 'prometheus is not installed' }, async t => {
  const collector = await startCollector(t)
  const daemon = await askedDaemon(t, { 'tracing.endpoint': collector.endpoint, 'tracing.oneIn': '1', 'tracing.interval': '10ms' })
  await until(() => collector.spans.length >= 3, 'requests are traced')
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'data'))
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify({ global: { scrape_interval: '1s' }, scrape_configs: [{ job_name: 'x', static_configs: [{ targets: [new URL(daemon.opsUrl).host] }] }] }))
  const child = spawn('prometheus', [
    `--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`, '--web.listen-address=127.0.0.1:0', '--log.format=json', '--enable-feature=exemplar-storage',
  ], { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGTERM')
    await exited
  })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { log += text })
  const address = (): string | undefined => /"address":"([^"]+)".*"msg":"Listening on"/.exec(log)?.[1]
  await until(() => address() !== undefined, 'Prometheus listens')
  const ask = async (path: string) => (await (await fetch(`http://${address()}/api/v1/${path}`)).json() as { readonly data: unknown }).data
  const exemplars = async () => await ask('query_exemplars?query=request_latency_seconds_bucket&start=0&end=4000000000').catch(() => []) as ReadonlyArray<{ readonly exemplars: ReadonlyArray<{ readonly labels: { readonly trace_id: string } }> }>
  await until(async () => (await exemplars())?.length > 0, 'exemplars are stored')
  const known = new Set(collector.spans.map(({ traceId }) => traceId))
  for (const { exemplars: each } of await exemplars()) for (const { labels } of each) t.ok(known.has(labels.trace_id), 'it is a trace that the collector has')
  t.match(await ask('query?query=up'), { result: only({ value: only(Number, '1') }) }, 'no line was refused')
})
