/** One plot, stat or table. */
export interface Panel {
  readonly title: string
  /** What it shows when all is well, and what it means when not: read on hover. */
  readonly description: string
  /** Query → legend. `$instance` and `$__rate_interval` are Grafana's. */
  readonly queries: Readonly<Record<string, string>>
  readonly unit?: 'short' | 's' | 'bytes' | 'reqps' | 'percentunit' | 'ops'
  readonly kind?: 'timeseries' | 'stat' | 'table' | 'heatmap'
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
    uid, title, tags: ['svc-dht'], schemaVersion: 39, editable: true, refresh: '30s', time: { from: 'now-6h', to: 'now' }, timezone: 'utc', graphTooltip: 1, templating: { list: VARIABLES }, panels,
  }
}

const VARIABLES = [
  { name: 'source', label: 'Data source', type: 'datasource', query: 'prometheus' },
  { name: 'instance', label: 'Daemon', type: 'query', datasource: SOURCE, query: 'label_values(ready_state, instance)', refresh: 2, multi: true, includeAll: true, allValue: '.*' },
]

function toPanel ({ title, description, queries, unit = 'short', kind = 'timeseries' }: Panel, id: number, gridPos: unknown): unknown {
  return {
    id,
    type: kind,
    title,
    description,
    gridPos,
    datasource: SOURCE,
    fieldConfig: { defaults: { unit, min: 0, ...(kind === 'timeseries' && { custom: { fillOpacity: 10, showPoints: 'never' } }) }, overrides: [] },
    options: kind === 'timeseries' ? { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } } : {},
    targets: Object.entries(queries).map(([expr, legendFormat], index) => ({
      refId: String.fromCharCode(65 + index), datasource: SOURCE, expr, legendFormat, ...(kind === 'table' && { format: 'table', instant: true }), ...(kind === 'stat' && { instant: true }),
    })),
  }
}
