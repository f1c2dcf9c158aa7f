import { DhtError } from '../../core/errors.ts'
import { parseKey, type MultihashKey } from '../../core/key.ts'
import { HttpError } from '../envelope.ts'

/**
 * The key in a path of the public API.
 * @throws {HttpError} 422, as Delegated Routing V1 has it for what does not conform to its schema
 */
export function parsePathKey (text: string): MultihashKey {
  try {
    return parseKey(text)
  } catch (err) {
    if (!(err instanceof DhtError)) throw err
    throw new HttpError(422, err.code, err.message, { ...(err.hint === undefined ? {} : { hint: err.hint }), reason: 'http_key' })
  }
}
