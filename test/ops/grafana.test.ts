import t from 'tap'
import { toGrafana } from '../../ops/grafana/dashboard.ts'
import { DASHBOARDS } from '../../ops/grafana/dashboards.ts'
import { only } from '../patterns.ts'

interface Shown {
  readonly links: readonly unknown[]
  readonly tags: readonly string[]
  readonly panels: ReadonlyArray<{
    readonly type: string
    readonly title: string
    readonly description: string
    readonly options: { readonly colorMode?: string, readonly textMode?: string }
    readonly transformations?: unknown
    readonly fieldConfig?: { readonly defaults: { readonly mappings?: unknown, readonly thresholds?: { readonly steps: ReadonlyArray<{ readonly color: string, readonly value: number | null }> } } }
  }>
}

const shown = DASHBOARDS.map(dashboard => toGrafana(dashboard) as Shown)
const panels = shown.flatMap(dashboard => dashboard.panels)
const stepsOf = (panel: Shown['panels'][number] | undefined) => panel?.fieldConfig?.defaults.thresholds?.steps.map(({ color, value }) => [value, color])

t.test('whether a daemon is ready is a word in a colour, not a 1', async t => {
  const ready = panels.find(({ title }) => title === 'Ready')
  t.match(ready?.fieldConfig?.defaults.mappings, only({ options: { 0: { text: 'not ready' }, 1: { text: 'ready' } } }))
  t.strictSame(stepsOf(ready), [[null, 'red'], [1, 'green']])
  t.equal(ready?.options.colorMode, 'background')
})

t.test('what should be zero, always, is red when it is not', async t => {
  const never = panels.filter(({ type, description }) => type === 'stat' && description.includes('Zero, always'))
  t.ok(never.length >= 3)
  for (const panel of never) t.strictSame(stepsOf(panel), [[null, 'green'], [1, 'red']], panel.title)
})

t.test('a plot whose words name an objective draws it', async t => {
  const plots = panels.filter(({ type, description }) => type === 'timeseries' && description.includes('dashed line'))
  t.ok(plots.length >= 3)
  for (const panel of plots) t.equal(stepsOf(panel)?.at(-1)?.[1], 'red', panel.title)
  for (const panel of panels.filter(({ type, description = '' }) => type === 'timeseries' && /objective is/.test(description))) t.match(panel.description, 'dashed line', panel.title)
})

t.test('a table leaves out what says nothing, and each dashboard leads to the others', async t => {
  const tables = panels.filter(({ type }) => type === 'table')
  t.ok(tables.length > 0)
  for (const table of tables) t.match(table.transformations, only({ options: { excludeByName: { Time: true, Value: true } } }), table.title)
  for (const { links, tags } of shown) t.match(links, only({ type: 'dashboards', tags, includeVars: true, keepTime: true }))
})
