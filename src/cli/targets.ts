import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { blake3 } from '@noble/hashes/blake3.js'
import { DhtError } from '../core/errors.ts'
import { blake3Key, parseKey, type MultihashKey } from '../core/key.ts'
import { Failure, usageFailure } from './failure.ts'
import type { Output } from './output.ts'
import { formatBytes, printable } from './text.ts'

/** What an argument of `provide` means. */
export type Target =
  | { readonly kind: 'key', readonly text: string, readonly key: MultihashKey }
  | { readonly kind: 'file', readonly path: string, readonly sizeBytes: number }

/** From this size on, hashing takes long enough to show how far it is. */
const LARGE_FILE_BYTES = 64 * 1024 * 1024
const READ_BYTES = 1024 * 1024

/**
 * Tells keys from files: text that is a key means the key, unless it is written as a path (`./name`, `../name`, `/name`).
 * @throws {Failure} usage for text that is neither, and for what is not a regular file
 */
export async function resolveTarget (text: string, out: Pick<Output, 'remark'>): Promise<Target> {
  const key = /^\.{0,2}\//.test(text) ? undefined : tryParseKey(text)
  const stats = await stat(text).catch((err: NodeJS.ErrnoException) => err)
  if (key !== undefined) {
    if (!(stats instanceof Error)) out.remark(`Note: ${printable(text)} is taken as a key; for the file of that name write ./${printable(text)}`)
    return { kind: 'key', text, key }
  }
  if (stats instanceof Error) throw unreadable(text, stats)
  if (!stats.isFile()) throw usageFailure(`${text} is not a regular file.`, 'Give files one by one.')
  return { kind: 'file', path: text, sizeBytes: stats.size }
}

/**
 * The content address of a file, read once and never held whole.
 * @throws {Failure} usage when it cannot be read
 */
export async function hashFile (path: string, sizeBytes: number, out: Pick<Output, 'progress' | 'clearProgress'>): Promise<MultihashKey> {
  const hash = blake3.create()
  let readBytes = 0
  let shownPercent = -1
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES }) as AsyncIterable<Uint8Array>) {
      hash.update(chunk)
      readBytes += chunk.byteLength
      const percent = Math.min(100, Math.floor(readBytes / sizeBytes * 100))
      if (sizeBytes >= LARGE_FILE_BYTES && percent !== shownPercent) {
        out.progress(`hashing ${printable(path)}: ${percent} % of ${formatBytes(sizeBytes)}`)
        shownPercent = percent
      }
    }
  } catch (err) {
    throw unreadable(path, err as NodeJS.ErrnoException)
  } finally {
    out.clearProgress()
  }
  return blake3Key(hash.digest())
}

function tryParseKey (text: string): MultihashKey | undefined {
  try {
    return parseKey(text)
  } catch (err) {
    if (!(err instanceof DhtError)) throw err
    // `b3:` is never the start of a path by accident: say what is wrong with it instead of looking for a file.
    if (text.startsWith('b3:')) throw err
    return undefined
  }
}

function unreadable (text: string, { code }: NodeJS.ErrnoException): Failure {
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return usageFailure(`${text} is neither a key nor a file here.`, 'Give a CID, a multihash, b3:<64 hex digits> or the path of a file.')
  }
  return usageFailure(`${text} cannot be read (${code}).`)
}
