import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Writes a new file that only its owner can read, whole or not at all, and never over one that is there. */
export function writeNewFile (path: string, text: string): void {
  const draft = writeDraft(path, text)
  try {
    linkSync(draft, path) // fails when the path exists, unlike a rename
  } finally {
    unlinkSync(draft)
  }
  flushDirectory(dirname(path))
}

/** Writes a file that only its owner can read, whole or not at all; one that is there is replaced. */
export function replaceFile (path: string, text: string): void {
  const draft = writeDraft(path, text)
  try {
    renameSync(draft, path)
  } catch (err) {
    unlinkSync(draft)
    throw err
  }
  flushDirectory(dirname(path))
}

/** Removes the file for good. */
export function removeFile (path: string): void {
  unlinkSync(path)
  flushDirectory(dirname(path))
}

/** What was made, renamed or removed in the directory outlasts a crash. */
export function flushDirectory (path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

function writeDraft (path: string, text: string): string {
  const draft = `${path}.${randomBytes(6).toString('hex')}.new`
  const file = openSync(draft, 'wx', 0o600)
  try {
    for (let rest = Buffer.from(text); rest.byteLength > 0;) rest = rest.subarray(writeSync(file, rest))
    fsyncSync(file)
  } catch (err) {
    unlinkSync(draft)
    throw err
  } finally {
    closeSync(file)
  }
  return draft
}
