/** Line charts as SVG text: one or two panels side by side, and one legend for both. */

export interface Series {
  readonly name: string
  readonly color: string
  readonly isDashed: boolean
  /** One for each place on the x axis. */
  readonly values: readonly number[]
}

export interface Panel {
  readonly title: string
  readonly xTitle: string
  readonly yTitle: string
  readonly xLabels: readonly string[]
  readonly series: readonly Series[]
  /** Where the y axis ends; left out, above the greatest value. */
  readonly yMax?: number
  /** A level to compare with. */
  readonly goal?: { readonly value: number, readonly name: string }
}

const PANEL = { width: 430, height: 300 }
const MARGIN = { left: 62, right: 18, top: 62, bottom: 56 }
const LEGEND = { columns: 2, columnWidth: 430, lineHeight: 18 }
const INK = '#222'
const GRID = '#e3e3e3'

export function drawChart (title: string, panels: readonly Panel[]): string {
  const legend = uniqueSeries(panels)
  const panelWidth = MARGIN.left + PANEL.width + MARGIN.right
  const panelHeight = MARGIN.top + PANEL.height + MARGIN.bottom
  const width = panelWidth * panels.length
  const height = panelHeight + Math.ceil(legend.length / LEGEND.columns) * LEGEND.lineHeight + 14
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="${INK}">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${MARGIN.left}" y="24" font-size="16" font-weight="bold">${escape(title)}</text>`,
    ...panels.map((panel, index) => `<g transform="translate(${index * panelWidth + MARGIN.left} ${MARGIN.top})">\n${drawPanel(panel)}\n</g>`),
    `<g transform="translate(${MARGIN.left} ${panelHeight + 8})">\n${drawLegend(legend)}\n</g>`,
    '</svg>', '',
  ].join('\n')
}

function drawPanel ({ title, xTitle, yTitle, xLabels, series, yMax, goal }: Panel): string {
  const greatest = Math.max(...series.flatMap(({ values }) => values.filter(Number.isFinite)), goal?.value ?? 0)
  const { step, top } = scaleFor(yMax ?? greatest)
  const x = (index: number): number => PANEL.width * (0.04 + 0.92 * index / Math.max(1, xLabels.length - 1))
  const y = (value: number): number => PANEL.height * (1 - value / top)
  const lines = [`<text y="-12" font-weight="bold">${escape(title)}</text>`]
  for (let tick = 0; tick <= top + step / 2; tick += step) {
    lines.push(`<line x2="${PANEL.width}" y1="${px(y(tick))}" y2="${px(y(tick))}" stroke="${GRID}"/>`)
    lines.push(`<text x="-8" y="${px(y(tick) + 4)}" text-anchor="end">${Number(tick.toPrecision(6))}</text>`)
  }
  for (const [index, label] of xLabels.entries()) lines.push(`<text x="${px(x(index))}" y="${PANEL.height + 18}" text-anchor="middle">${escape(label)}</text>`)
  lines.push(`<path d="M0 0V${PANEL.height}H${PANEL.width}" fill="none" stroke="${INK}"/>`)
  lines.push(`<text x="${PANEL.width / 2}" y="${PANEL.height + 40}" text-anchor="middle">${escape(xTitle)}</text>`)
  lines.push(`<text transform="translate(-44 ${PANEL.height / 2}) rotate(-90)" text-anchor="middle">${escape(yTitle)}</text>`)
  if (goal !== undefined) {
    lines.push(`<line x2="${PANEL.width}" y1="${px(y(goal.value))}" y2="${px(y(goal.value))}" stroke="${INK}" stroke-dasharray="2 4"/>`)
  }
  lines.push(...series.map(one => drawSeries(one, x, y)))
  // Last, and with a halo, so that no line runs through it.
  if (goal !== undefined) lines.push(`<text x="6" y="${px(y(goal.value) - 5)}" stroke="#fff" stroke-width="4" paint-order="stroke">${escape(goal.name)}</text>`)
  return lines.join('\n')
}

function drawSeries ({ color, isDashed, values }: Series, x: (index: number) => number, y: (value: number) => number): string {
  const points = values.flatMap((value, index) => Number.isFinite(value) ? [[px(x(index)), px(y(value))] as const] : [])
  const dash = isDashed ? ' stroke-dasharray="6 4"' : ''
  const line = `<polyline points="${points.map(point => point.join(',')).join(' ')}" fill="none" stroke="${color}" stroke-width="2"${dash}/>`
  return [line, ...points.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" fill="${isDashed ? '#fff' : color}" stroke="${color}"/>`)].join('\n')
}

function drawLegend (legend: readonly Series[]): string {
  const rows = Math.ceil(legend.length / LEGEND.columns)
  return legend.map(({ name, color, isDashed }, index) => {
    const x = Math.floor(index / rows) * LEGEND.columnWidth
    const y = index % rows * LEGEND.lineHeight
    return `<line x1="${x}" x2="${x + 26}" y1="${y}" y2="${y}" stroke="${color}" stroke-width="2"${isDashed ? ' stroke-dasharray="6 4"' : ''}/><text x="${x + 34}" y="${y + 4}">${escape(name)}</text>`
  }).join('\n')
}

function uniqueSeries (panels: readonly Panel[]): Series[] {
  return [...new Map(panels.flatMap(({ series }) => series).map(one => [one.name, one])).values()]
}

/** Four to ten steps of 1, 2 or 5 times a power of ten. */
function scaleFor (greatest: number): { step: number, top: number } {
  const rough = Math.max(greatest, 1e-9) / 8
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map(times => times * power).find(candidate => candidate >= rough) ?? 10 * power
  return { step, top: Math.ceil(greatest / step - 1e-9) * step }
}

/** Tenths of a pixel: short, and the same text on each machine. */
function px (value: number): number {
  return Math.round(value * 10) / 10
}

function escape (text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
