import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { usageFailure } from '../failure.ts'
import { printable } from '../text.ts'

/** A genesis with its signatures has 5 MiB at most, a carried file less. */
const MAX_FILE_BYTES = 8 * 1024 * 1024

/** @throws {Failure} usage for a file that cannot be read, is too long, or is not JSON */
export function readJsonFile (path: string): unknown {
  let text: string
  try {
    if (statSync(path).size > MAX_FILE_BYTES) throw usageFailure(`${printable(path)} is too long.`)
    text = readFileSync(path, 'utf8')
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === undefined || (err as Error).name === 'Failure') throw err
    throw usageFailure(`${printable(path)} cannot be read (${(err as NodeJS.ErrnoException).code}).`)
  }
  try {
    return JSON.parse(text)
  } catch {
    throw usageFailure(`${printable(path)} is not JSON.`)
  }
}

/** The text of a file that travels between signers. */
export function toFileText (value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

/** Puts the text in place of what is there, whole or not at all. */
export function replaceText (path: string, text: string): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}.new`
  try {
    writeFileSync(draft, text, { flag: 'wx', flush: true, mode: statSync(path).mode & 0o777 })
    renameSync(draft, path)
  } catch (err) {
    rmSync(draft, { force: true })
    throw usageFailure(`${printable(path)} cannot be written (${(err as NodeJS.ErrnoException).code}).`)
  }
}
