import { parseDuration, printDuration } from '../core/duration.ts'

/** One row of the settings table. `parse` takes the text of a flag, variable or file value and throws a plain sentence. */
export interface Setting<T> {
  readonly doc: string
  readonly fallback: T
  /** What a value looks like, for the reference page: `integer 1–256`, `duration ≤ 48h`. */
  readonly form: string
  /** Shapes the network: the file only seeds genesis, a quorum changes it afterwards. */
  readonly governed: boolean
  /** Names a file that holds a secret: shown as set or not set, never by path. */
  readonly sensitive: boolean
  parse (text: string): T
  /** The text that `parse` turns into `value`; used for the reference page and for files. */
  print (value: T): string
}

export interface Marks { readonly governed?: boolean, readonly sensitive?: boolean }
interface Range { readonly min?: number, readonly max?: number }
interface DurationRange { readonly min?: string, readonly max?: string }

export type Settings = Readonly<Record<string, Readonly<Record<string, Setting<unknown>>>>>

/** The typed values of a settings table: what components receive. */
export type ConfigOf<S extends Settings> = {
  readonly [Section in keyof S]: { readonly [Key in keyof S[Section]]: S[Section][Key] extends Setting<infer T> ? T : never }
}

export function int (doc: string, fallback: number, range: Range & Marks = {}): Setting<number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = range
  return {
    ...marked(doc, fallback, range),
    form: max === Number.MAX_SAFE_INTEGER ? `integer ≥ ${min}` : `integer ${min}–${max}`,
    parse (text) {
      const value = Number(text.replaceAll('_', ''))
      if (!/^\d[\d_]*$/.test(text) || !Number.isSafeInteger(value)) throw new Error('must be a whole number')
      if (value < min) throw new Error(`must be at least ${min}`)
      if (value > max) throw new Error(`must be at most ${max}`)
      return value
    },
    print: String,
  }
}

export function bool (doc: string, fallback: boolean, marks: Marks = {}): Setting<boolean> {
  return {
    ...marked(doc, fallback, marks),
    form: '`true` or `false`',
    parse (text) {
      if (text !== 'true' && text !== 'false') throw new Error('must be true or false')
      return text === 'true'
    },
    print: String,
  }
}

/** Milliseconds, written as `250ms`, `10s`, `5m`, `24h` or `7d`. */
export function duration (doc: string, fallback: string, range: DurationRange & Marks = {}): Setting<number> {
  const minMs = range.min === undefined ? 0 : parseDuration(range.min)
  const maxMs = range.max === undefined ? Number.MAX_SAFE_INTEGER : parseDuration(range.max)
  const bounds = [range.min && `≥ ${range.min}`, range.max && `≤ ${range.max}`].filter(Boolean).join(', ')
  return {
    ...marked(doc, parseDuration(fallback), range),
    form: `duration ${bounds}`.trim(),
    parse (text) {
      const ms = parseDuration(text)
      if (ms < minMs) throw new Error(`must be at least ${range.min}`)
      if (ms > maxMs) throw new Error(`must be at most ${range.max}`)
      return ms
    },
    print: printDuration,
  }
}

export function text (doc: string, fallback: string, options: Marks & { readonly form?: string, readonly pattern?: RegExp } = {}): Setting<string> {
  const { form = 'text', pattern } = options
  return {
    ...marked(doc, fallback, options),
    form,
    parse (value) {
      if (pattern !== undefined && !pattern.test(value)) throw new Error(`must be ${form}`)
      return value
    },
    print: value => value,
  }
}

export function choice<const T extends string> (doc: string, options: readonly T[], fallback: NoInfer<T>, marks: Marks = {}): Setting<T> {
  return {
    ...marked(doc, fallback, marks),
    form: options.map(option => `\`${option}\``).join(' or '),
    parse (value) {
      const found = options.find(option => option === value)
      if (found === undefined) throw new Error(`must be one of ${options.join(', ')}`)
      return found
    },
    print: value => value,
  }
}

/** Comma-separated in a flag or variable, an array in a file. `check` throws for a member it refuses; it is told the place of the member, from 0. */
export function list (
  doc: string, fallback: readonly string[], options: Marks & { readonly form: string, readonly max: number, readonly check: (member: string, index: number) => void },
): Setting<readonly string[]> {
  return {
    ...marked(doc, fallback, options),
    form: `list of ${options.form}, at most ${options.max}`,
    parse (value) {
      const members = value.split(',').map(member => member.trim()).filter(member => member !== '')
      if (members.length > options.max) throw new Error(`must have at most ${options.max} members`)
      if (new Set(members).size !== members.length) throw new Error('must not repeat a member')
      members.forEach((member, index) => { options.check(member, index) })
      return members
    },
    print: members => members.join(','),
  }
}

/** `host:port` of a loopback or other interface; port 0 picks a free one, an empty text turns the listener off. */
export function listener (doc: string, fallback: string): Setting<string> {
  const row = text(doc, fallback, { form: '`host:port`, `[v6]:port`, or empty for off', pattern: /^$|^(?:\[[0-9a-fA-F:]+\]|[^\s:[\]]+):\d{1,5}$/ })
  return {
    ...row,
    parse (value) {
      const parsed = row.parse(value)
      if (Number(parsed.split(':').at(-1)) > 65_535) throw new Error('must have a port of at most 65535')
      return parsed
    },
  }
}

function marked<T> (doc: string, fallback: T, marks: Marks): Pick<Setting<T>, 'doc' | 'fallback' | 'governed' | 'sensitive'> {
  return { doc, fallback, governed: marks.governed === true, sensitive: marks.sensitive === true }
}
