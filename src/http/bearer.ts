import { DhtError } from '../core/errors.ts'
import { MAX_TOKEN_BYTES } from '../core/limits.ts'

/**
 * The token of a request, or undefined when it brings none. Reads the raw header lines, because Node keeps only the first of two
 * Authorization headers, and a proxy may have looked at the other.
 * @throws {DhtError} BadRequest for two headers, NoCapability for another scheme or an empty, malformed or too long token
 */
export function bearerToken (rawHeaders: readonly string[]): string | undefined {
  const values = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'authorization')
  const [value] = values
  if (value === undefined) return undefined
  if (values.length > 1) throw new DhtError('BadRequest', 'There is more than one Authorization header.', { hint: 'Send one.', reason: 'unauth' })
  const token = /^Bearer +([\w.~+/=,-]+) *$/i.exec(value)?.[1]
  if (token === undefined) throw new DhtError('NoCapability', 'The Authorization header holds no bearer token.', { hint: HINT, reason: 'unauth' })
  if (token.length > MAX_TOKEN_BYTES) {
    throw new DhtError('NoCapability', `The capability is longer than ${MAX_TOKEN_BYTES / 1024} KiB.`, { hint: 'Ask for one with fewer or shorter caveats and discharges.', reason: 'unauth' })
  }
  return token
}

const HINT = 'Send a capability as Authorization: Bearer <token>.'
