import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import t from 'tap'
import { queriesOf } from '../../ops/grafana/dashboard.ts'
import { DASHBOARDS } from '../../ops/grafana/dashboards.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { DaemonProcess, startReady, until } from '../../ops/drills/daemon-process.ts'

const PROMETHEUS = join(import.meta.dirname, '../../ops/prometheus')
const RULES = readFileSync(join(PROMETHEUS, 'rules.yml'), 'utf8')
const ALERTS = [...RULES.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name)

const isInstalled = (program: string): boolean => spawnSync(program, ['--version']).status === 0
const needs = (program: string): string | false => isInstalled(program) ? false : `${program} is not installed (Debian: prometheus)`

t.test('promtool finds no mistake in the rules, and each alert fires on its fault and on no healthy daemon', { skip: needs('promtool') }, async t => {
  for (const args of [['check', 'config', '--syntax-only', 'prometheus.yml'], ['check', 'rules', 'rules.yml'], ['test', 'rules', 'rules.test.yml']]) {
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: PROMETHEUS, encoding: 'utf8' })
    t.equal(status, 0, `${args.join(' ')}\n${stdout}${stderr}`)
  }
})

t.test('every alert is tested twice: on a healthy daemon, and on its fault', async t => {
  const tests = readFileSync(join(PROMETHEUS, 'rules.test.yml'), 'utf8')
  for (const alert of ALERTS) t.equal([...tests.matchAll(new RegExp(`alertname: ${alert}\\b`, 'g'))].length, 2, alert)
})

t.test('the rules speak of metrics that the daemon has', async t => {
  const known = new Set(createMetrics().registry.getMetricsAsArray().map(({ name }) => name))
  const expressions = [...RULES.matchAll(/expr: (.*)/g)].map(([, text = '']) => text.replaceAll(/\{[^}]*\}|"[^"]*"/g, '').replaceAll(/by \([^)]*\)/g, ''))
  const names = new Set(expressions.flatMap(text => text.match(/[a-z_:]+_[a-z0-9_:]+/g) ?? []).filter(name => !name.includes(':')))
  const functions = ['histogram_quantile', 'max_over_time']
  const fromLibraries = ['process_start_time_seconds', 'process_open_fds', 'process_max_fds']
  const unknown = [...names].filter(name => ![...known, ...functions, ...fromLibraries].includes(name.replace(/_(bucket|count|sum)$/, '')))
  t.strictSame(unknown, [])
  t.ok(names.size > 10)
})

t.test('every metric has a panel or an alert, and every panel a metric', async t => {
  const queries = DASHBOARDS.flatMap(queriesOf)
  const own = createMetrics().registry.getMetricsAsArray().map(({ name }) => name).filter(name => !/^(process|nodejs)_/.test(name))
  const shown = [...queries, RULES].join('\n')
  t.strictSame(own.filter(name => !new RegExp(`\\b${name}(_bucket|_count|_sum)?\\b`).test(shown)), [])
  const known = [...own, 'process_', 'nodejs_', 'libp2p_'] // those of libraries appear as they are used
  t.strictSame(queries.filter(query => !known.some(name => query.includes(name))), [])
})

t.test('Prometheus itself reads the rules from a live daemon, and says that its bootstrap peers are gone', { skip: needs('prometheus'), timeout: 90_000 }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  await using stack = new AsyncDisposableStack()
  const bootstrap = stack.use(await DaemonProcess.start())
  const daemon = await startReady(stack, { 'kad.bootstrap': bootstrap.address, 'kad.bootstrapProbeInterval': '200ms', 'kad.bootstrapLapse': '1s' })

  // The same rules, without the minutes that they wait.
  writeFileSync(join(folder, 'rules.yml'), RULES.replaceAll(/for: \d+m/g, 'for: 1s').replaceAll('interval: 30s', 'interval: 1s'))
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify({
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: ['rules.yml'],
    scrape_configs: [{ job_name: 'svc-dht', static_configs: [{ targets: [new URL(daemon.started.ops).host] }] }],
  }))
  const prometheus = await startPrometheus(folder, stack)

  await until(async () => (await prometheus.query('up{job="svc-dht"}')) === '1', 'the daemon is scraped')
  await until(async () => (await prometheus.rules()).every(({ lastEvaluation }) => !lastEvaluation.startsWith('0001')), 'all rules were evaluated')
  const rules = await prometheus.rules()
  t.strictSame(rules.filter(({ health }) => health !== 'ok'), [])
  t.strictSame(rules.filter(({ type }) => type === 'alerting').map(({ name }) => name), ALERTS)
  t.equal(rules.find(({ name }) => name === 'SvcDhtBootstrapLost')?.state, 'inactive')
  for (const query of DASHBOARDS.flatMap(queriesOf)) t.equal(await prometheus.verdict(query), 'success', query)

  await bootstrap.stop()
  await until(async () => (await prometheus.rules()).find(({ name }) => name === 'SvcDhtBootstrapLost')?.state === 'firing', 'the alert fires')
  t.pass('it fires')
})

interface Rule { readonly name: string, readonly type: string, readonly health: string, readonly lastEvaluation: string, readonly state?: string }

async function startPrometheus (folder: string, stack: AsyncDisposableStack) {
  mkdirSync(join(folder, 'data'))
  const child = spawn('prometheus', [
    `--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`, '--web.listen-address=127.0.0.1:0', '--log.format=json',
  ], { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = once(child, 'exit')
  stack.defer(async () => {
    child.kill('SIGTERM')
    await exited
  })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { log += text })
  const address = (): string | undefined => /"address":"([^"]+)".*"msg":"Listening on"/.exec(log)?.[1]
  await until(() => address() !== undefined, 'Prometheus listens')
  await until(async () => (await fetch(`http://${address()}/-/ready`)).ok, 'Prometheus is ready') // until then it answers 503
  const ask = async (path: string): Promise<Record<string, never>> => ((await (await fetch(`http://${address()}/api/v1/${path}`)).json()) as { data: Record<string, never> }).data
  return {
    query: async (text: string): Promise<string | undefined> => ((await ask(`query?query=${encodeURIComponent(text)}`))['result'] as unknown as Array<{ value: [number, string] }>)[0]?.value[1],
    verdict: async (text: string): Promise<string> => ((await (await fetch(`http://${address()}/api/v1/query?query=${encodeURIComponent(text)}`)).json()) as { status: string }).status,
    rules: async (): Promise<Rule[]> => ((await ask('rules'))['groups'] as unknown as Array<{ rules: Rule[] }>).flatMap(group => group.rules),
  }
}

t.test('every alert has a runbook with all its parts, and every runbook an alert', async t => {
  const folder = join(PROMETHEUS, '../runbooks')
  const pages = readdirSync(folder).filter(name => name.startsWith('SvcDht')).map(name => basename(name, '.md'))
  t.strictSame(pages.toSorted(), ALERTS.toSorted())
  for (const alert of ALERTS) t.match(RULES, `runbook: ops/runbooks/${alert}.md`)
  for (const page of pages) t.match(readFileSync(join(folder, `${page}.md`), 'utf8'), new RegExp(`^# ${page}\\n\\n\\*\\*Symptom\\.\\*\\* .*\\n\\n\\*\\*Why\\.\\*\\* .*\\n\\n## Check\\n\\n\`\`\`sh\\n(.*\\n)+\`\`\`\\n\\n## Fix\\n\\n(- .*\\n)+\\n## Escalate\\n\\n.+`), page)
})
