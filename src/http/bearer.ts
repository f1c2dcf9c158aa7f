import { DhtError } from '../core/errors.ts'

/**
 * The token of a request, or undefined when it brings none. Reads the raw header lines, because Node keeps only the first of two
 * Authorization headers, and a proxy may have looked at the other.
 * @throws {DhtError} BadRequest for two headers, NoCapability for another scheme or an empty or malformed token
 */
export function bearerToken (rawHeaders: readonly string[]): string | undefined {
  const values = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'authorization')
  const [value] = values
  if (value === undefined) return undefined
  if (values.length > 1) throw new DhtError('BadRequest', 'There is more than one Authorization header.', { hint: 'Send one.', reason: 'unauth' })
  const token = /^Bearer +([\w.~+/=,-]+) *$/i.exec(value)?.[1]
  if (token === undefined) throw new DhtError('NoCapability', 'The Authorization header holds no bearer token.', { hint: HINT, reason: 'unauth' })
  return token
}

export const HINT = 'Send a capability as Authorization: Bearer <token>.'
