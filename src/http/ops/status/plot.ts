import { escapeHtml, formatCount } from './text.ts'

// Plots as SVG text: no script draws them, and each says in words what it shows.

/** Leaves room for the value behind the longest bar. */
const BAR_WIDTH = 230

interface Bar { readonly label: string, readonly value: number, readonly title?: string }

/** Horizontal bars from a common zero. `limit` draws the bound that a bar may reach. */
export function bars (name: string, rows: readonly Bar[], limit?: number): string {
  if (rows.length === 0) return '<p class="none">None yet.</p>'
  const top = Math.max(limit ?? 0, ...rows.map(({ value }) => value), 1)
  const height = rows.length * 18
  const drawn = rows.map(({ label, value, title }, index) => {
    const width = Math.max(value > 0 ? 1 : 0, value / top * BAR_WIDTH)
    const y = index * 18
    return `<g><title>${escapeHtml(title ?? `${label}: ${formatCount(value)}`)}</title>` +
      `<text x="112" y="${y + 13}" text-anchor="end">${escapeHtml(label)}</text>` +
      `<rect class="bar" x="118" y="${y + 3}" width="${width.toFixed(1)}" height="12" rx="2"/>` +
      `<text class="value" x="${(124 + width).toFixed(1)}" y="${y + 13}">${formatCount(value)}</text></g>`
  })
  const bound = limit === undefined ? '' : `<line class="bound" x1="${(118 + limit / top * BAR_WIDTH).toFixed(1)}" x2="${(118 + limit / top * BAR_WIDTH).toFixed(1)}" y1="0" y2="${height}"/>`
  return `<svg role="img" aria-label="${escapeHtml(`${name}: ${rows.map(({ label, value }) => `${label} ${formatCount(value)}`).join(', ')}`)}" viewBox="0 0 430 ${height}">${drawn.join('')}${bound}</svg>`
}

interface Point { readonly at: number, readonly value: number }

/** A line over time, from zero to its largest value. */
export function line (name: string, points: readonly Point[]): string {
  const [first] = points
  const last = points.at(-1)
  if (first === undefined || last === undefined || first === last) return '<p class="none">Drawn from the second look on.</p>'
  const top = Math.max(...points.map(({ value }) => value), 1)
  const span = last.at - first.at
  const path = points.map(({ at, value }) => `${((at - first.at) / span * 400).toFixed(1)},${(100 - value / top * 92).toFixed(1)}`).join(' ')
  const minutes = Math.max(1, Math.round(span / 60_000))
  return `<svg role="img" aria-label="${escapeHtml(`${name}: from ${formatCount(first.value)} to ${formatCount(last.value)} within ${minutes} min, ${formatCount(top)} at most`)}" viewBox="0 0 430 120">` +
    `<polyline class="line" points="${path}"/><line class="axis" x1="0" x2="400" y1="100" y2="100"/>` +
    `<text x="0" y="114">${minutes} min ago</text><text x="400" y="114" text-anchor="end">now: ${formatCount(last.value)}</text><text x="0" y="11">${formatCount(top)}</text></svg>`
}

interface Span { readonly label: string, readonly from: number | undefined, readonly to: number | undefined, readonly kind: string, readonly note: string }

/** Spans of time, one below the other, around a line for now. One without a beginning begins at the left, one without an end runs out at the right. */
export function timeline (name: string, now: number, rows: readonly Span[]): string {
  const times = rows.flatMap(({ from, to }) => [from, to]).filter(time => time !== undefined)
  const [first, last] = [Math.min(now, ...times), Math.max(now, ...times)]
  const margin = Math.max((last - first) * 0.05, 60_000)
  const x = (time: number): string => (118 + (time - first + margin) / (last - first + 2 * margin) * 300).toFixed(1)
  const height = rows.length * 18
  const drawn = rows.map(({ label, from = first - margin, to = last + margin, kind, note }, index) => {
    const y = index * 18
    const width = Math.max(2, Number(x(to)) - Number(x(from)))
    return `<g><title>${escapeHtml(`${label}: ${note}`)}</title><text x="112" y="${y + 13}" text-anchor="end">${escapeHtml(label)}</text>` +
      `<rect class="span ${kind.replace(' ', '-')}" x="${x(from)}" y="${y + 4}" width="${width.toFixed(1)}" height="10" rx="2"/></g>`
  })
  return `<svg role="img" aria-label="${escapeHtml(`${name}: ${rows.map(({ label, note }) => `${label} ${note}`).join('; ')}`)}" viewBox="0 0 430 ${height + 16}">${drawn.join('')}` +
    `<line class="bound" x1="${x(now)}" x2="${x(now)}" y1="0" y2="${height}"/><text x="${x(now)}" y="${height + 13}" text-anchor="middle">now</text></svg>`
}

/** The keyspace as a ring that starts at the top: our position, and the peers of our table. */
export function ring (position: number, peers: readonly number[]): string {
  const at = (fraction: number, radius: number): string => {
    const angle = (fraction - 0.25) * 2 * Math.PI
    return `cx="${(110 + radius * Math.cos(angle)).toFixed(1)}" cy="${(110 + radius * Math.sin(angle)).toFixed(1)}"`
  }
  const degrees = Math.round(position * 360)
  return `<svg class="ring" role="img" aria-label="We stand at ${degrees}° of the keyspace; ${peers.length} peers of the routing table are drawn." viewBox="0 0 220 220">` +
    `<circle class="track" cx="110" cy="110" r="90"/>${peers.map(peer => `<circle class="peer" ${at(peer, 90)} r="3"/>`).join('')}` +
    `<circle class="self" ${at(position, 90)} r="6"><title>This daemon</title></circle><text x="110" y="114" text-anchor="middle">${peers.length} ${peers.length === 1 ? 'peer' : 'peers'}</text></svg>`
}
