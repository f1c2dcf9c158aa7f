/** One plot, stat or table. */
export interface Panel {
  readonly title: string
  /** What it shows when all is well, and what it means when not: read on hover. */
  readonly description: string
  /** Query → legend. `$instance` and `$__rate_interval` are Grafana's. */
  readonly queries: Readonly<Record<string, string>>
  readonly unit?: 'short' | 's' | 'bytes' | 'reqps' | 'percentunit' | 'ops'
  readonly kind?: 'timeseries' | 'stat' | 'table' | 'heatmap'
  /** What a stat shows when all is well, in green; all else is red. Absent: a figure without a verdict. */
  readonly well?: 'none' | 'some'
  /** What a stat says for 0 and for 1. */
  readonly words?: readonly [string, string]
  /** A stat that shows the legend, for a series whose value says nothing. */
  readonly isName?: boolean
  /** Drawn as a line that values should stay below. */
  readonly objective?: number
  /** Columns out of 24. */
  readonly width?: 6 | 8 | 12 | 24
}

export interface Dashboard {
  readonly uid: string
  readonly title: string
  /** Rows by heading. */
  readonly rows: Readonly<Record<string, readonly Panel[]>>
}

/** All queries of a dashboard as Prometheus takes them, for any daemon and five minutes. */
export function queriesOf ({ rows }: Dashboard): string[] {
  return Object.values(rows).flat().flatMap(({ queries }) => Object.keys(queries))
    .map(query => query.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '5m'))
}

const SOURCE = { type: 'prometheus', uid: '$source' }
const ROW_HEIGHT = 8
const COLUMNS = 24

/** The dashboard as Grafana imports it (schema version 39, Grafana 10 and later). */
export function toGrafana ({ uid, title, rows }: Dashboard): unknown {
  const panels: unknown[] = []
  let y = 0
  for (const [heading, row] of Object.entries(rows)) {
    panels.push({ id: panels.length + 1, type: 'row', title: heading, collapsed: false, gridPos: { x: 0, y: y++, w: COLUMNS, h: 1 }, panels: [] })
    let x = 0
    for (const panel of row) {
      const width = panel.width ?? 8
      if (x + width > COLUMNS) {
        x = 0
        y += ROW_HEIGHT
      }
      panels.push(toPanel(panel, panels.length + 1, { x, y, w: width, h: ROW_HEIGHT }))
      x += width
    }
    y += ROW_HEIGHT
  }
  return {
    uid, title, tags: ['svc-dht'], schemaVersion: 39, editable: true, refresh: '30s', time: { from: 'now-6h', to: 'now' }, timezone: 'utc', graphTooltip: 1, links: LINKS, templating: { list: VARIABLES }, panels,
  }
}

/** From each dashboard to the others, with daemon and time kept. */
const LINKS = [{ title: 'svc-dht', type: 'dashboards', tags: ['svc-dht'], asDropdown: true, includeVars: true, keepTime: true, targetBlank: false, icon: 'external link' }]

const VARIABLES = [
  { name: 'source', label: 'Data source', type: 'datasource', query: 'prometheus' },
  { name: 'instance', label: 'Daemon', type: 'query', datasource: SOURCE, query: 'label_values(ready_state, instance)', refresh: 2, multi: true, includeAll: true, allValue: '.*' },
]

function toPanel (panel: Panel, id: number, gridPos: unknown): unknown {
  const { title, description, queries, unit = 'short', kind = 'timeseries', words } = panel
  return {
    id,
    type: kind,
    title,
    description,
    gridPos,
    datasource: SOURCE,
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        ...(kind === 'timeseries' && { custom: { fillOpacity: 10, showPoints: 'never', ...(panel.objective !== undefined && { thresholdsStyle: { mode: 'dashed' } }) } }),
        ...(words !== undefined && { mappings: [{ type: 'value', options: Object.fromEntries(words.map((text, value) => [value, { text, index: value }])) }] }),
        ...thresholdsOf(panel),
      },
      overrides: [],
    },
    options: optionsOf(panel),
    ...(kind === 'table' && { transformations: [{ id: 'organize', options: { excludeByName: { Time: true, Value: true, __name__: true, job: true } } }] }),
    targets: Object.entries(queries).map(([expr, legendFormat], index) => ({
      refId: String.fromCharCode(65 + index), datasource: SOURCE, expr, legendFormat, ...(kind === 'table' && { format: 'table', instant: true }), ...(kind === 'stat' && { instant: true }),
    })),
  }
}

function thresholdsOf ({ well, objective }: Panel): object {
  const between = (below: string, from: number, above: string) => ({ thresholds: { mode: 'absolute', steps: [{ color: below, value: null }, { color: above, value: from }] } })
  if (objective !== undefined) return between('transparent', objective, 'red')
  if (well === undefined) return {}
  return well === 'some' ? between('red', 1, 'green') : between('green', 1, 'red')
}

function optionsOf ({ kind = 'timeseries', well, isName }: Panel): object {
  if (kind === 'timeseries') return { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } }
  if (kind !== 'stat') return {}
  return { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: well === undefined ? 'none' : 'background', graphMode: 'none', textMode: isName === true ? 'name' : 'auto' }
}
