import { styleText } from 'node:util'
import { printable, truncate } from './text.ts'

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow'

/** What a rendering may depend on besides the answer itself. */
export interface View {
  /** Milliseconds since the epoch, for relative times. */
  readonly now: number
  /** Characters in a line, or undefined when nothing may be cut. */
  readonly columns: number | undefined
  readonly hasColour: boolean
}

export interface Column {
  readonly title: string
  readonly alignment?: 'right'
}

/** A line of a label and its value; a list puts each member on its own line, below the first. */
export type Field = readonly [label: string, value: string | readonly string[]]

/** Aligned columns under a heading. Cells are made printable; on a terminal the last column is cut to fit the width. */
export function renderTable (columns: readonly Column[], rows: ReadonlyArray<readonly string[]>, view: View): string {
  const cells = rows.map(row => row.map(printable))
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...cells.map(row => row[i]?.length ?? 0)))
  const toLine = (row: readonly string[]) => fit(columns.map(({ alignment }, i) => {
    const cell = row[i] ?? ''
    return alignment === 'right' ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)
  }).join(GAP).trimEnd(), view)
  return [paint('dim', toLine(columns.map(({ title }) => title)), view), ...cells.map(toLine)].map(line => `${line}\n`).join('')
}

/** Labels and values in two columns. Values are made printable; nothing is cut. */
export function renderFields (fields: readonly Field[], view: View): string {
  const width = Math.max(...fields.map(([label]) => label.length))
  return fields.flatMap(([label, value]) => {
    const lines = typeof value === 'string' ? [value] : value.length === 0 ? ['none'] : value
    return lines.map((line, i) => `${paint('dim', (i === 0 ? label : '').padEnd(width), view)}${GAP}${printable(line)}\n`)
  }).join('')
}

/** One line of cells, made printable, cut to the terminal's width. */
export function renderRow (cells: readonly string[], view: View): string {
  return `${fit(cells.map(printable).join(GAP), view)}\n`
}

export function paint (style: Style, text: string, view: View): string {
  // We decide about colour; by itself styleText would look at the environment.
  return view.hasColour ? styleText(style, text, { validateStream: false }) : text
}

const GAP = '  '

function fit (line: string, { columns }: View): string {
  return columns === undefined ? line : truncate(line, columns)
}
