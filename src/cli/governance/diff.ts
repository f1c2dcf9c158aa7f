import { canonicalJson } from '../../core/digest.ts'
import { paint, type View } from '../layout.ts'
import { printable } from '../text.ts'
import { isObject } from './change.ts'

/** An ML-DSA-87 key fills a screen, and nobody reads it: the id beside it is its digest. No other text of a section is as long, and none is cut. */
const MAX_TEXT = 256

interface Line { readonly sign: '-' | '+', readonly text: string }

/** What differs between two values of a section, a line each: `-` as it was, `+` as it would be. */
export function renderDiff (section: string, before: unknown, after: unknown, view: View): string {
  const lines = diff(section, before, after)
  if (lines.length === 0) return '  nothing differs\n'
  return lines.map(({ sign, text }) => `  ${paint(sign === '-' ? 'red' : 'green', `${sign} ${printable(text)}`, view)}\n`).join('')
}

/** JSON of a value, in which long keys are told by their start. */
export function toShortJson (value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => typeof inner === 'string' && inner.length > MAX_TEXT ? `${inner.slice(0, 24)}… (${inner.length} characters)` : inner)
}

function diff (path: string, before: unknown, after: unknown): readonly Line[] {
  if (canonicalOf(before) === canonicalOf(after)) return []
  if (isObject(before) && isObject(after)) {
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap(name => diff(`${path}.${name}`, own(before, name), own(after, name)))
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const [had, has] = [before, after].map(list => new Set(list.map(canonicalOf)))
    const items = [
      ...before.filter(item => has?.has(canonicalOf(item)) !== true).map(item => toLine('-', path, item)),
      ...after.filter(item => had?.has(canonicalOf(item)) !== true).map(item => toLine('+', path, item)),
    ]
    if (items.length > 0) return items // else only their order or number differs
  }
  return [...(before === undefined ? [] : [toLine('-', path, before)]), ...(after === undefined ? [] : [toLine('+', path, after)])]
}

/** A name of ours may be one that every object inherits something for. */
function own (fields: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined
}

function toLine (sign: Line['sign'], path: string, value: unknown): Line {
  return { sign, text: `${path}: ${toShortJson(value)}` }
}

function canonicalOf (value: unknown): string {
  return value === undefined ? '' : canonicalJson(value)
}
