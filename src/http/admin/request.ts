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

export function badBody (message: string, hint: string): DhtError {
  return new DhtError('BadRequest', message, { hint, reason: 'http_body' })
}
