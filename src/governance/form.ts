import { refused } from './refusal.ts'

/** A JSON Schema, of the words that draft 2020-12 and draft 7 share. */
export type JsonSchema = Readonly<Record<string, unknown>>

type Check<T> = (value: unknown, path: string) => T

/**
 * Turns a JSON value into a typed one, or refuses it with the path of what is wrong. Strict: unknown fields are refused.
 * `schema` says the same to everybody else's tools; what a schema cannot say is refused here only, and a bare function says nothing.
 */
export interface Form<T> extends Check<T> { readonly schema?: JsonSchema }

/** A form of its own, with the schema that says the same. */
export function form<T> (schema: JsonSchema = {}, check: Check<T>): Form<T> {
  return Object.assign((value: unknown, path: string) => check(value, path), { schema })
}

/** The type that a form gives. */
export type Of<F> = F extends Form<infer T> ? T : never

/** A field that may be left out. */
export interface OptionalForm<T> extends Form<T> { readonly isOptional: true }

type Fields = Readonly<Record<string, Form<unknown>>>
type OptionalKeys<F extends Fields> = { [K in keyof F]: F[K] extends OptionalForm<unknown> ? K : never }[keyof F]
type Shaped<F extends Fields> =
  { readonly [K in Exclude<keyof F, OptionalKeys<F>>]: Of<F[K]> } & { readonly [K in OptionalKeys<F>]?: Of<F[K]> }

/** `max` counts code points, as JSON Schema does. */
export function text (max: number, pattern: RegExp = /^[^\p{Cc}]*$/u): Form<string> {
  const schema = { type: 'string', maxLength: max, pattern: pattern.source, ...(pattern.test(LONE_SURROGATE) && { not: { pattern: '\\p{Cs}' } }) }
  return form(schema, (value, path) => {
    // A lone surrogate has no UTF-8: two texts would have one signed form.
    if (typeof value !== 'string' || !value.isWellFormed() || !isWithin(value, max) || !pattern.test(value)) {
      throw malformed(path, `a text of at most ${max} characters of the right form`)
    }
    return value
  })
}

/** A whole number that JSON carries exactly, within limits; -0 is none. */
export function integer (min: number, max: number): Form<number> {
  return form({ type: 'integer', minimum: min, maximum: max }, (value, path) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max || Object.is(value, -0)) {
      throw malformed(path, `a whole number from ${min} to ${max}`)
    }
    return value
  })
}

export const flag: Form<boolean> = form({ type: 'boolean' }, (value, path) => {
  if (typeof value !== 'boolean') throw malformed(path, 'true or false')
  return value
})

export function oneOf<const T extends string> (...names: readonly T[]): Form<T> {
  return form({ enum: names }, (value, path) => names.find(name => name === value) ?? fail(path, `one of ${names.join(', ')}`))
}

/** At most `max` of them. */
export function list<T> (of: Form<T>, max: number): Form<readonly T[]> {
  return form({ type: 'array', maxItems: max, items: of.schema ?? {} }, (value, path) => {
    if (!Array.isArray(value) || value.length > max) throw malformed(path, `a list of at most ${max}`)
    return value.map((item, index) => of(item, `${path}[${index}]`))
  })
}

/** An object of any fields. */
export const anyObject: Form<Readonly<Record<string, unknown>>> = form({ type: 'object' }, (value, path) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(path, 'an object')
  return value as Readonly<Record<string, unknown>>
})

export function optional<T> (of: Form<T>): OptionalForm<T> {
  return Object.assign(form(of.schema, of), { isOptional: true as const })
}

/** These fields and no others; only those of `optional` may be absent. */
export function object<const F extends Fields> (fields: F): Form<Shaped<F>> {
  return form(objectSchema(fields), (value, path) => {
    const given = anyObject(value, path)
    const unknown = Object.keys(given).find(name => !Object.hasOwn(fields, name))
    if (unknown !== undefined) throw malformed(path, `known fields only, not ${JSON.stringify(unknown.slice(0, 64))}`)
    const entries = Object.entries(fields).flatMap(([name, form]) => {
      if (Object.hasOwn(given, name)) return [[name, form(given[name], `${path}.${name}`)]]
      if ('isOptional' in form) return []
      throw malformed(path, `the field ${name}`)
    })
    return Object.fromEntries(entries) as Shaped<F>
  })
}

/** A union told apart by its field `op`. */
export function operations<const O extends Readonly<Record<string, Fields>>> (table: O): Form<OperationOf<O>> {
  const forms = new Map(Object.entries(table).map(([op, fields]) => [op, object({ op: oneOf(op), ...fields })]))
  return form({ type: 'object', anyOf: [...forms.values()].map(({ schema }) => schema) }, (value, path) => {
    const op = typeof value === 'object' && value !== null && 'op' in value ? value.op : undefined
    const known = typeof op === 'string' ? forms.get(op) : undefined
    if (known === undefined) throw malformed(`${path}.op`, `one of ${[...forms.keys()].join(', ')}`)
    return known(value, path) as OperationOf<O>
  })
}

export type OperationOf<O extends Readonly<Record<string, Fields>>> = { [K in keyof O]: { readonly op: K } & Shaped<O[K]> }[keyof O]

const LONE_SURROGATE = '\ud800'

function objectSchema (fields: Fields): JsonSchema {
  const required = Object.entries(fields).flatMap(([name, form]) => 'isOptional' in form ? [] : [name])
  const properties = Object.fromEntries(Object.entries(fields).map(([name, { schema }]) => [name, schema ?? {}]))
  return { type: 'object', additionalProperties: false, required, properties }
}

/** Code points are counted only where the number of UTF-16 units leaves it open. */
function isWithin (value: string, max: number): boolean {
  return value.length <= max || (value.length <= 2 * max && [...value].length <= max)
}

function malformed (path: string, wanted: string): Error {
  return refused('gov_schema', `${path} must be ${wanted}`)
}

function fail (path: string, wanted: string): never {
  throw malformed(path, wanted)
}
