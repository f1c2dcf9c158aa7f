import { DhtError } from './errors.ts'

/** By the system's code, or by its words where a library passes on only those. */
const REASONS: ReadonlyArray<readonly [RegExp, string]> = [
  [/EADDRINUSE|address already in use/i, 'another program uses this port'],
  [/EADDRNOTAVAIL|can(?:no|')t assign requested address/i, 'this machine does not have the address'],
  [/EACCES|permission denied/i, 'the port needs privileges'],
  [/ENOTFOUND|EAI_AGAIN/, 'the name has no address'],
]

/** One line that names the address, what is in the way, and the setting to change. */
export function listenFailure (setting: string, failures: ReadonlyArray<{ readonly address: string, readonly why: string }>, cause: unknown): DhtError {
  const places = failures.map(({ address, why }) => `${address} (${reasonOf(why)})`).join(', ')
  return new DhtError('Conflict', `cannot listen on ${places}: change ${setting}`, { cause })
}

function reasonOf (why: string): string {
  return REASONS.find(([pattern]) => pattern.test(why))?.[1] ?? why.split('\n', 1)[0] ?? ''
}
