import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { usageFailure } from './failure.ts'
import { printable } from './text.ts'

const MAX_FILE_BYTES = 16 * 1024

/**
 * The capability to send: of the file that was given, else of the one that RONCTL_CAP names, else of `admin.cap` beside the
 * socket, where a daemon for trying things out leaves it. Undefined when there is none of them.
 * @throws {Failure} usage for a named file that cannot be read or holds no capability
 */
export function readCapability (given: string | undefined, env: Readonly<Record<string, string | undefined>>, socketPath: string): string | undefined {
  const named = given || env['RONCTL_CAP'] || undefined
  const path = named ?? join(dirname(socketPath), 'admin.cap')
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (err) {
    if (named === undefined) return undefined
    throw usageFailure(`The capability cannot be read: ${printable(path)} (${(err as NodeJS.ErrnoException).code}).`, 'Name its file with --cap FILE or RONCTL_CAP.')
  }
  // Never shown: it may be a capability with something around it.
  if (text.length > MAX_FILE_BYTES || !/^[\w.~+/=,-]+$/.test(text)) throw usageFailure(`There is no capability in ${printable(path)}.`, 'Give the file that `ronctl cap mint` wrote.')
  return text
}
