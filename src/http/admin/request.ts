import type { FastifyReply } from 'fastify'
import { DhtError } from '../../core/errors.ts'

/** The type of `request.params` of a route with `:key`. */
export interface KeyParams { readonly Params: { readonly key: string } }

/** Aborts when the client goes away before its answer is complete; it does nothing after that. */
export function whenClientLeaves (reply: FastifyReply): AbortSignal {
  const leaving = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) leaving.abort(new DhtError('Timeout', 'The client left before the answer was complete.'))
  })
  return leaving.signal
}

/**
 * The fields of a JSON object that has no others than `names`.
 * @throws {DhtError} BadRequest for anything but an object, and for an unknown field
 */
export function readObject (value: unknown, names: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badBody('The body must be a JSON object.', `It may have the fields ${names.join(', ')}.`)
  }
  const unknown = Object.keys(value).find(name => !names.includes(name))
  if (unknown !== undefined) throw badBody(`There is no field ${JSON.stringify(unknown)}.`, `The fields are ${names.join(', ')}.`)
  return value as Readonly<Record<string, unknown>>
}

/** The refusal of a request body, counted as `http_body`. */
export function badBody (message: string, hint: string): DhtError {
  return new DhtError('BadRequest', message, { hint, reason: 'http_body' })
}

/** The type of a route with a query. */
export interface Query { readonly Querystring: Readonly<Record<string, unknown>> }

/**
 * The parameters of a query that has no others than `names`, each once at most.
 * @throws {DhtError} BadRequest for any other
 */
export function readQuery<Name extends string> (query: Readonly<Record<string, unknown>>, names: readonly Name[]): Readonly<Partial<Record<Name, string>>> {
  for (const [name, value] of Object.entries(query)) {
    if (!names.some(known => known === name)) throw badQuery(`There is no parameter ${JSON.stringify(name)}.`, `The parameters are ${names.join(', ')}.`)
    if (typeof value !== 'string') throw badQuery(`The parameter ${JSON.stringify(name)} is there more than once.`, 'Give it once.')
  }
  return query as Partial<Record<Name, string>>
}

/** @throws {DhtError} BadRequest for what is not a time, in milliseconds otherwise */
export function parseSince (text: string): number {
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw badQuery('The parameter "since" is not a time.', 'Give it in UTC, as 2026-01-31T12:00:00Z.')
  return ms
}

/** The refusal of a query, counted as `http_filter`. */
export function badQuery (message: string, hint: string): DhtError {
  return new DhtError('BadRequest', message, { hint, reason: 'http_filter' })
}
