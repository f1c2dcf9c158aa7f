import { refused } from './refusal.ts'

/** Turns a JSON value into a typed one, or refuses it with the path of what is wrong. Strict: unknown fields are refused. */
export type Form<T> = (value: unknown, path: string) => T

/** The type that a form gives. */
export type Of<F> = F extends Form<infer T> ? T : never

/** A field that may be left out. */
export interface OptionalForm<T> extends Form<T> { readonly isOptional: true }

type Fields = Readonly<Record<string, Form<unknown>>>
type OptionalKeys<F extends Fields> = { [K in keyof F]: F[K] extends OptionalForm<unknown> ? K : never }[keyof F]
type Shaped<F extends Fields> =
  { readonly [K in Exclude<keyof F, OptionalKeys<F>>]: Of<F[K]> } & { readonly [K in OptionalKeys<F>]?: Of<F[K]> }

export function text (max: number, pattern: RegExp = /^[^\p{Cc}]*$/u): Form<string> {
  return (value, path) => {
    // A lone surrogate has no UTF-8: two texts would have one signed form.
    if (typeof value !== 'string' || !value.isWellFormed() || value.length > max || !pattern.test(value)) {
      throw malformed(path, `a text of at most ${max} characters of the right form`)
    }
    return value
  }
}

export function integer (min: number, max: number): Form<number> {
  return (value, path) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max || Object.is(value, -0)) {
      throw malformed(path, `a whole number from ${min} to ${max}`)
    }
    return value
  }
}

export const flag: Form<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw malformed(path, 'true or false')
  return value
}

export function oneOf<const T extends string> (...names: readonly T[]): Form<T> {
  return (value, path) => names.find(name => name === value) ?? fail(path, `one of ${names.join(', ')}`)
}

export function list<T> (of: Form<T>, max: number): Form<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length > max) throw malformed(path, `a list of at most ${max}`)
    return value.map((item, index) => of(item, `${path}[${index}]`))
  }
}

export function optional<T> (of: Form<T>): OptionalForm<T> {
  return Object.assign((value: unknown, path: string) => of(value, path), { isOptional: true as const })
}

export function object<const F extends Fields> (fields: F): Form<Shaped<F>> {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(path, 'an object')
    const unknown = Object.keys(value).find(name => !Object.hasOwn(fields, name))
    if (unknown !== undefined) throw malformed(path, `known fields only, not ${JSON.stringify(unknown.slice(0, 64))}`)
    const entries = Object.entries(fields).flatMap(([name, form]) => {
      if (Object.hasOwn(value, name)) return [[name, form((value as Record<string, unknown>)[name], `${path}.${name}`)]]
      if ('isOptional' in form) return []
      throw malformed(path, `the field ${name}`)
    })
    return Object.fromEntries(entries) as Shaped<F>
  }
}

/** A union told apart by its field `op`. */
export function operations<const O extends Readonly<Record<string, Fields>>> (table: O): Form<OperationOf<O>> {
  const forms = new Map(Object.entries(table).map(([op, fields]) => [op, object({ op: oneOf(op), ...fields })]))
  return (value, path) => {
    const op = typeof value === 'object' && value !== null && 'op' in value ? value.op : undefined
    const form = typeof op === 'string' ? forms.get(op) : undefined
    if (form === undefined) throw malformed(`${path}.op`, `one of ${[...forms.keys()].join(', ')}`)
    return form(value, path) as OperationOf<O>
  }
}

export type OperationOf<O extends Readonly<Record<string, Fields>>> = { [K in keyof O]: { readonly op: K } & Shaped<O[K]> }[keyof O]

function malformed (path: string, wanted: string): Error {
  return refused('gov_schema', `${path} must be ${wanted}`)
}

function fail (path: string, wanted: string): never {
  throw malformed(path, wanted)
}
