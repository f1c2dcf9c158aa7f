import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { queriesOf } from '../../ops/grafana/dashboard.ts'
import { DASHBOARDS } from '../../ops/grafana/dashboards.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { startReady, until } from '../../ops/drills/daemon-process.ts'
import { Prometheus } from '../../ops/drills/prometheus.ts'

t.setTimeout(180_000)

const PROMETHEUS = join(import.meta.dirname, '../../ops/prometheus')
const RULES = readFileSync(join(PROMETHEUS, 'rules.yml'), 'utf8')
const ALERTS = [...RULES.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name)

const isInstalled = (program: string): boolean => spawnSync(program, ['--version']).status === 0
const needs = (program: string): string | false => isInstalled(program) ? false : `${program} is not installed (Debian: prometheus, prometheus-alertmanager)`

t.test('promtool finds no mistake in the rules, and each alert fires on its fault and on no healthy daemon', { skip: needs('promtool') }, async t => {
  for (const args of [['check', 'config', '--syntax-only', 'prometheus.yml'], ['check', 'rules', 'rules.yml'], ['test', 'rules', 'rules.test.yml']]) {
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: PROMETHEUS, encoding: 'utf8' })
    t.equal(status, 0, `${args.join(' ')}\n${stdout}${stderr}`)
  }
})

t.test('Alertmanager takes the example, and it pages for what pages', { skip: needs('amtool') }, async t => {
  const amtool = (...args: string[]) => spawnSync('amtool', args, { cwd: PROMETHEUS, encoding: 'utf8' })
  t.equal(amtool('check-config', 'alertmanager.yml').status, 0, amtool('check-config', 'alertmanager.yml').stderr)
  for (const [severity, receiver] of [['page', 'pager'], ['ticket', 'tickets']]) {
    const { status, stdout } = amtool('config', 'routes', 'test', '--config.file=alertmanager.yml', `--verify.receivers=${receiver}`, 'alertname=SvcDhtDown', `severity=${severity}`)
    t.equal(status, 0, stdout)
  }
  const named = [...readFileSync(join(PROMETHEUS, 'alertmanager.yml'), 'utf8').matchAll(/SvcDht\w+/g)].map(([name]) => name)
  t.strictSame(named.filter(name => !ALERTS.includes(name)), [], 'it speaks of alerts that exist')
  t.strictSame([...RULES.matchAll(/severity: (\w+)/g)].map(([, severity]) => severity).filter(severity => severity !== 'page' && severity !== 'ticket'), [])
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

t.test('Prometheus itself reads the rules and every panel from a live daemon', { skip: needs('prometheus'), timeout: 90_000 }, async t => {
  await using stack = new AsyncDisposableStack()
  const daemon = await startReady(stack)
  const prometheus = await Prometheus.start(stack, daemon.started.ops)
  await until(async () => await prometheus.query('up{job="svc-dht"}') === '1', 'the daemon is scraped')
  await until(async () => (await prometheus.rules()).every(({ lastEvaluation }) => !lastEvaluation.startsWith('0001')), 'all rules were evaluated')
  const rules = await prometheus.rules()
  t.strictSame(rules.filter(({ health }) => health !== 'ok'), [])
  t.strictSame(rules.filter(({ type }) => type === 'alerting').map(({ name }) => name), ALERTS)
  t.strictSame(rules.filter(({ state }) => state === 'firing'), [], 'a healthy daemon calls nobody')
  for (const query of DASHBOARDS.flatMap(queriesOf)) t.equal(await prometheus.verdict(query), 'success', query)
})

t.test('every alert has a runbook with all its parts, and every runbook an alert', async t => {
  const folder = join(PROMETHEUS, '../runbooks')
  const pages = readdirSync(folder).filter(name => name.startsWith('SvcDht')).map(name => basename(name, '.md'))
  t.strictSame(pages.toSorted(), ALERTS.toSorted())
  for (const alert of ALERTS) t.match(RULES, `runbook: ops/runbooks/${alert}.md`)
  for (const page of pages) t.match(readFileSync(join(folder, `${page}.md`), 'utf8'), new RegExp(`^# ${page}\\n\\n\\*\\*Symptom\\.\\*\\* .*\\n\\n\\*\\*Why\\.\\*\\* .*\\n\\n## Check\\n\\n\`\`\`sh\\n(.*\\n)+\`\`\`\\n\\n## Fix\\n\\n(- .*\\n)+\\n## Escalate\\n\\n.+`), page)
})
