import { HttpError } from '../envelope.ts'

/** IPIP-484: a name has at most 63 characters. */
const MAX_NAME_LENGTH = 63
const MAX_NAMES = 32
const NAME = /^[\w.+/-]+$/

/** The names of one filter parameter, in lower case: IPIP-484, "Filtering is case-insensitive". */
export type FilterNames = readonly string[]

/**
 * Reads a comma-separated filter parameter, which may be repeated; undefined when it was not sent.
 * @throws {HttpError} 422 for anything that would silently filter other than the client meant
 */
export function parseFilter (parameter: string, value: unknown, { negatable }: { readonly negatable: boolean }): FilterNames | undefined {
  if (value === undefined) return undefined
  const names = [value].flat().join(',').toLowerCase().split(',')
  if (names.length > MAX_NAMES) throw badFilter(parameter, `more than ${MAX_NAMES} names`)
  for (const name of names) {
    const bare = negatable && name.startsWith('!') ? name.slice(1) : name
    if (bare === '') throw badFilter(parameter, 'a name is empty')
    if (bare.length > MAX_NAME_LENGTH) throw badFilter(parameter, `a name is longer than ${MAX_NAME_LENGTH} characters`)
    if (!NAME.test(bare)) throw badFilter(parameter, 'a name has characters that no protocol name has')
  }
  return names
}

function badFilter (parameter: string, problem: string): HttpError {
  return new HttpError(422, 'BadRequest', `${parameter}: ${problem}.`, {
    reason: 'http_filter', hint: 'Give names separated by commas, such as filter-addrs=tls,!p2p-circuit,unknown.',
  })
}
