import type { Point } from './series.ts'
import { escapeHtml, formatCount } from './text.ts'

// Plots as SVG text: no script draws them, and each says in words what it shows. They are drawn for the width of a narrow column,
// so that their text is no smaller there than it is meant to be.

const WIDTH = 340
const ROW = 20
/** Of a character of a label, about. */
const LETTER = 7.2
const LABEL = { min: 56, max: 150 }
/** Room for the value behind the longest bar. */
const VALUE = 54

interface Bar { readonly label: string, readonly value: number, readonly title?: string }

/** Horizontal bars from a common zero. `limit` draws the bound that a bar may reach. */
export function bars (name: string, rows: readonly Bar[], limit?: number): string {
  if (rows.length === 0) return '<p class="none">None yet.</p>'
  const top = Math.max(limit ?? 0, ...rows.map(({ value }) => value), 1)
  const left = labelWidth(rows)
  const span = WIDTH - left - VALUE
  const height = rows.length * ROW
  const drawn = rows.map(({ label, value, title }, index) => {
    const width = Math.max(value > 0 ? 2 : 0, value / top * span)
    const y = index * ROW
    return `<g><title>${escapeHtml(title ?? `${label}: ${formatCount(value)}`)}</title>` +
      `<text x="${left - 6}" y="${y + 14}" text-anchor="end">${escapeHtml(label)}</text>` +
      `<rect class="bar" x="${left}" y="${y + 3}" width="${width.toFixed(1)}" height="14" rx="2"/>` +
      `<text class="value" x="${(left + width + 6).toFixed(1)}" y="${y + 14}">${formatCount(value)}</text></g>`
  })
  const at = (left + (limit ?? 0) / top * span).toFixed(1)
  const bound = limit === undefined ? '' : `<line class="bound" x1="${at}" x2="${at}" y1="0" y2="${height}"/>`
  return svg(`${name}: ${rows.map(({ label, value }) => `${label} ${formatCount(value)}`).join(', ')}`, height, drawn.join('') + bound)
}

/** Columns side by side, as of a distribution. A dashed line stands behind the column that is named `bound`. */
export function columns (name: string, rows: readonly Bar[], bound?: string): string {
  const top = Math.max(...rows.map(({ value }) => value), 1)
  const step = WIDTH / rows.length
  const drawn = rows.map(({ label, value, title }, index) => {
    const height = Math.max(value > 0 ? 2 : 0, value / top * 74)
    return `<g><title>${escapeHtml(title ?? `${label}: ${formatCount(value)}`)}</title><rect class="bar" x="${(index * step + 1).toFixed(1)}" y="${(90 - height).toFixed(1)}" width="${(step - 2).toFixed(1)}" height="${height.toFixed(1)}" rx="1"/>` +
      (value === 0 ? '' : `<text class="value" x="${((index + 0.5) * step).toFixed(1)}" y="${(86 - height).toFixed(1)}" text-anchor="middle">${formatCount(value)}</text>`) +
      `<text class="tick" x="${((index + 0.5) * step).toFixed(1)}" y="105" text-anchor="middle">${escapeHtml(label)}</text></g>`
  })
  const edge = ((rows.findIndex(({ label }) => label === bound) + 1) * step).toFixed(1)
  const line = edge === '0.0' ? '' : `<line class="bound" x1="${edge}" x2="${edge}" y1="0" y2="90"/>`
  return svg(`${name}: ${rows.filter(({ value }) => value > 0).map(({ label, value }) => `${label} ${formatCount(value)}`).join(', ')}`, 110, `${drawn.join('')}<line class="axis" x1="0" x2="${WIDTH}" y1="90" y2="90"/>${line}`)
}

/** An area over time, from zero to above its largest value. */
export function area (name: string, points: readonly Point[], format: (value: number) => string = formatCount): string {
  const [first] = points
  const last = points.at(-1)
  if (first === undefined || last === undefined || first === last) return '<p class="none">Drawn from the second look on.</p>'
  const largest = Math.max(...points.map(({ value }) => value))
  const top = roundUp(largest)
  const y = (value: number): string => (100 - value / top * 90).toFixed(1)
  const path = pathOf(points, WIDTH, y)
  const grid = [top / 2, top].map(value => `<line class="grid" x1="0" x2="${WIDTH}" y1="${y(value)}" y2="${y(value)}"/><text class="tick" x="2" y="${(Number(y(value)) + 13).toFixed(1)}">${format(value)}</text>`)
  return svg(courseOf(name, points, format), 118,
    `${grid.join('')}<polygon class="area" points="0,100 ${path} ${WIDTH},100"/><polyline class="line" points="${path}"/><line class="axis" x1="0" x2="${WIDTH}" y1="100" y2="100"/>` +
    `<text class="tick" x="0" y="115">${minutesOf(points)} min ago</text><text class="tick" x="${WIDTH}" y="115" text-anchor="end">now: ${format(last.value)}</text>`)
}

/** The course of a figure without a scale, to stand beside it. */
export function spark (name: string, points: readonly Point[], format: (value: number) => string): string {
  if (points.length < 2) return ''
  const top = Math.max(...points.map(({ value }) => value)) || 1
  const path = pathOf(points, 120, value => (26 - value / top * 23).toFixed(1))
  return `<svg class="spark" role="img" aria-label="${escapeHtml(courseOf(name, points, format))}" viewBox="0 0 120 28" preserveAspectRatio="none"><polygon class="area" points="0,28 ${path} 120,28"/><polyline class="line" points="${path}"/></svg>`
}

interface Span { readonly label: string, readonly from: number | undefined, readonly to: number | undefined, readonly kind: string, readonly note: string }

/** Spans of time, one below the other, around a line for now. One without a beginning begins at the left, one without an end runs out at the right. */
export function timeline (name: string, now: number, rows: readonly Span[]): string {
  const times = rows.flatMap(({ from, to }) => [from, to]).filter(time => time !== undefined)
  const [first, last] = [Math.min(now, ...times), Math.max(now, ...times)]
  const margin = Math.max((last - first) * 0.05, 60_000)
  const left = labelWidth(rows)
  const x = (time: number): string => (left + (time - first + margin) / (last - first + 2 * margin) * (WIDTH - left)).toFixed(1)
  const height = rows.length * ROW
  const drawn = rows.map(({ label, from = first - margin, to = last + margin, kind, note }, index) => {
    const y = index * ROW
    const width = Math.max(2, Number(x(to)) - Number(x(from)))
    return `<g><title>${escapeHtml(`${label}: ${note}`)}</title><text x="${left - 6}" y="${y + 14}" text-anchor="end">${escapeHtml(label)}</text>` +
      `<rect class="span ${kind.replace(' ', '-')}" x="${x(from)}" y="${y + 4}" width="${width.toFixed(1)}" height="12" rx="2"/></g>`
  })
  return svg(`${name}: ${rows.map(({ label, note }) => `${label} ${note}`).join('; ')}`, height + 16,
    `${drawn.join('')}<line class="bound" x1="${x(now)}" x2="${x(now)}" y1="0" y2="${height}"/><text class="tick" x="${x(now)}" y="${height + 13}" text-anchor="middle">now</text>`)
}

/** The keyspace as a ring that starts at the top: our position, and the peers of our table. */
export function ring (position: number, peers: readonly number[]): string {
  const point = (fraction: number, radius: number): readonly [string, string] => {
    const angle = (fraction - 0.25) * 2 * Math.PI
    return [(110 + radius * Math.cos(angle)).toFixed(1), (110 + radius * Math.sin(angle)).toFixed(1)]
  }
  const marks = ['0x00', '0x40', '0x80', '0xc0'].map((mark, index) => {
    const [[x1, y1], [x2, y2], [x, y]] = [point(index / 4, 86), point(index / 4, 80), point(index / 4, index % 2 === 0 ? 66 : 58)]
    return `<line class="axis" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/><text class="tick" x="${x}" y="${Number(y) + 4}" text-anchor="middle">${mark}</text>`
  })
  const dots = peers.map(peer => {
    const [cx, cy] = point(peer, 90)
    return `<circle class="peer" cx="${cx}" cy="${cy}" r="4"/>`
  })
  const [cx, cy] = point(position, 90)
  const degrees = Math.round(position * 360)
  return `<svg class="ring" role="img" aria-label="We stand at ${degrees}° of the keyspace; ${peers.length} peers of the routing table are drawn." viewBox="0 0 220 220">` +
    `<circle class="track" cx="110" cy="110" r="90"/>${marks.join('')}${dots.join('')}` +
    `<circle class="self" cx="${cx}" cy="${cy}" r="8"><title>This daemon</title></circle><text x="110" y="115" text-anchor="middle">${peers.length} ${peers.length === 1 ? 'peer' : 'peers'}</text></svg>`
}

function svg (label: string, height: number, drawn: string): string {
  return `<svg role="img" aria-label="${escapeHtml(label)}" viewBox="0 0 ${WIDTH} ${height}">${drawn}</svg>`
}

function courseOf (name: string, points: readonly Point[], format: (value: number) => string): string {
  const values = points.map(({ value }) => value)
  return `${name}: from ${format(values[0] ?? 0)} to ${format(values.at(-1) ?? 0)} within ${minutesOf(points)} min, ${format(Math.max(...values))} at most`
}

function minutesOf (points: readonly Point[]): number {
  return Math.max(1, Math.round(((points.at(-1)?.at ?? 0) - (points[0]?.at ?? 0)) / 60_000))
}

function pathOf (points: readonly Point[], width: number, y: (value: number) => string): string {
  const [first, last] = [points[0]?.at ?? 0, points.at(-1)?.at ?? 0]
  return points.map(({ at, value }) => `${((at - first) / Math.max(1, last - first) * width).toFixed(1)},${y(value)}`).join(' ')
}

function labelWidth (rows: ReadonlyArray<{ readonly label: string }>): number {
  return Math.min(LABEL.max, Math.max(LABEL.min, ...rows.map(({ label }) => Math.ceil(label.length * LETTER) + 8)))
}

/** The least of 1, 2, 4, 6, 8 and their tens that is not below; its half is a round number too. */
function roundUp (value: number): number {
  if (value <= 2) return 2
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 4, 6, 8, 10].find(step => step * power >= value) ?? 10) * power
}
