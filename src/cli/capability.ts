import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { MAX_TOKEN_BYTES } from '../core/limits.ts'
import { usageFailure } from './failure.ts'
import { printable } from './text.ts'

const READABLE_BY_OTHERS = 0o077
const LINE_END_BYTES = 2
const RIGHT_FILE = 'Give the file that `ronctl cap mint` wrote.'

/**
 * The capability to send: of the file that was given, else of the one that RONCTL_CAP names, else of the one `beside` the
 * socket, where a daemon for trying things out leaves it. Undefined when there is none of them.
 * @throws {Failure} usage as {@link readTokenFile}
 */
export function readCapability (given: string | undefined, env: Readonly<Record<string, string | undefined>>, beside: string): string | undefined {
  const named = given || env['RONCTL_CAP'] || undefined
  return named === undefined ? readToken(beside) : readTokenFile(named)
}

/**
 * The capability in a file, with its discharges when there are any. Every command reads one in this way.
 * @throws {Failure} usage for a file that cannot be read, that others can read, that is too long, or that holds no capability
 */
export function readTokenFile (path: string): string {
  const token = readToken(path)
  if (token === undefined) throw usageFailure(`The capability cannot be read: ${printable(path)} (ENOENT).`, 'Name its file with --cap FILE or RONCTL_CAP.')
  return token
}

/** Undefined when there is no such file. */
function readToken (path: string): string | undefined {
  let bytes: Buffer
  try {
    bytes = readPrivately(path)
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) throw err
    throw usageFailure(`The capability cannot be read: ${printable(path)} (${code}).`, 'Name a file that you may read, with --cap FILE or RONCTL_CAP.')
  }
  if (bytes.byteLength > MAX_TOKEN_BYTES + LINE_END_BYTES) throw usageFailure(`${printable(path)} is too long for a capability: it has at most ${MAX_TOKEN_BYTES / 1024} KiB.`, RIGHT_FILE)
  const text = bytes.toString('latin1').trim()
  // Never shown: it may be a capability with something around it.
  if (text.length > MAX_TOKEN_BYTES || !/^[\w.~+/=,-]+$/.test(text)) throw usageFailure(`There is no capability in ${printable(path)}.`, RIGHT_FILE)
  return text
}

/** The start of the file, at most a byte more than a capability has. Looks at the open file, not at its path: that may change in between. */
function readPrivately (path: string): Buffer {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOCTTY)
  try {
    if ((fstatSync(file).mode & READABLE_BY_OTHERS) !== 0) {
      throw usageFailure(`Others can read ${printable(path)}.`, 'Revoke the capability if they may have, or run: chmod 600 on the file.')
    }
    const buffer = Buffer.alloc(MAX_TOKEN_BYTES + LINE_END_BYTES + 1)
    let size = 0
    for (let read = -1; read !== 0 && size < buffer.byteLength;) size += read = readSync(file, buffer, size, buffer.byteLength - size, null)
    return buffer.subarray(0, size)
  } finally {
    closeSync(file)
  }
}
