import { existsSync, writeFileSync } from 'node:fs'
import { MacaroonError, type Macaroon } from '../../../auth/macaroon/macaroon.ts'
import { decodeToken } from '../../../auth/macaroon/codec.ts'
import { readTokenFile } from '../../capability.ts'
import { usageFailure } from '../../failure.ts'
import { printable } from '../../text.ts'

/** The macaroon of a file, or of the text itself where there is no such file. @throws {Failure} usage; it never quotes the token */
export function readMacaroon (tokenOrFile: string): Macaroon {
  const text = existsSync(tokenOrFile) ? readTokenFile(tokenOrFile) : tokenOrFile
  try {
    return decodeToken(text)
  } catch (err) {
    if (!(err instanceof MacaroonError)) throw err
    throw usageFailure('There is neither a capability nor a file with one.', 'Give the file that holds the capability alone, without its discharges.')
  }
}

/** @throws {Failure} usage when the file is there already, or cannot be written */
export function writeTokenFile (path: string, token: string): void {
  try {
    writeFileSync(path, `${token}\n`, { mode: 0o600, flag: 'wx' })
  } catch (err) {
    throw usageFailure(`The capability cannot be written: ${printable(path)} (${(err as NodeJS.ErrnoException).code}).`, 'Name a new file in a folder that is there.')
  }
}
