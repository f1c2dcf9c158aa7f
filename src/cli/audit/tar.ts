import { parseTilePath } from '../../audit/format/tile.ts'
import { usageFailure } from '../failure.ts'

// POSIX ustar, as much of it as an exported log needs: regular files with short names.

const BLOCK_BYTES = 512
/** Files of a log of 25 million entries. */
const MAX_FILES = 200_000
/** A bundle of 256 entries of the longest kind. */
export const MAX_FILE_BYTES = 256 * (65_535 + 2)

export interface Place { readonly offset: number, readonly sizeBytes: number }

export type ReadAt = (offset: number, length: number) => Promise<Uint8Array>

/**
 * Where the files of a log are in an archive; other files are passed over. Nothing is ever written by a name in it.
 * @throws {Failure} usage for what is no such archive, and for links, long names and files over the limit
 */
export async function indexTar (sizeBytes: number, readAt: ReadAt): Promise<ReadonlyMap<string, Place>> {
  const places = new Map<string, Place>() // bounded by MAX_FILES
  let files = 0
  for (let at = 0; ;) {
    const header = at + BLOCK_BYTES <= sizeBytes ? await readAt(at, BLOCK_BYTES) : new Uint8Array()
    if (header.byteLength !== BLOCK_BYTES) throw notTar('it ends without an end')
    if (header.every(byte => byte === 0)) return places
    const { path, type, sizeBytes: fileBytes } = parseHeader(header)
    const offset = at + BLOCK_BYTES
    at = offset + Math.ceil(fileBytes / BLOCK_BYTES) * BLOCK_BYTES
    if (at > sizeBytes) throw notTar('its last file is cut off')
    if (++files > MAX_FILES) throw notTar(`it has more than ${MAX_FILES} files`)
    if (type === 'folder' || (path !== 'checkpoint' && parseTilePath(path) === undefined)) continue
    if (fileBytes > MAX_FILE_BYTES) throw notTar(`${path} is larger than any file of a log`)
    if (places.has(path)) throw notTar(`${path} is in it twice`)
    places.set(path, { offset, sizeBytes: fileBytes })
  }
}

/** @throws {Failure} usage */
function parseHeader (header: Uint8Array): { readonly path: string, readonly type: 'file' | 'folder', readonly sizeBytes: number } {
  const text = (from: number, length: number): string => (Buffer.from(header).toString('latin1', from, from + length).split('\0')[0] ?? '')
  if (header[0] === 0x1f && header[1] === 0x8b) throw notTar('it is compressed: have gunzip make a plain .tar of it')
  if (!text(257, 6).startsWith('ustar')) throw notTar('it is not in the ustar format')
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0)
  if (parseOctal(text(148, 8)) !== sum) throw notTar('a header does not have the sum that it says')
  const flag = header[156] ?? 0
  const type = flag === 0x30 || flag === 0 ? 'file' : flag === 0x35 ? 'folder' : undefined
  if (type === undefined) throw notTar('it holds something else than regular files and folders')
  const sizeBytes = parseOctal(text(124, 12))
  if (sizeBytes === undefined || (type === 'folder' && sizeBytes !== 0)) throw notTar('a size is misshapen')
  // As whoever unpacks it would name it: POSIX has a prefix there, GNU tar, whose magic ends in spaces, has other things.
  const prefix = text(257, 8) === 'ustar' ? text(345, 155) : ''
  return { path: `${prefix === '' ? '' : `${prefix}/`}${text(0, 100)}`.replace(/^\.\//, ''), type, sizeBytes }
}

function parseOctal (text: string): number | undefined {
  return /^ *[0-7]{1,11} *$/.test(text) ? Number.parseInt(text.trim(), 8) : undefined
}

function notTar (what: string) {
  return usageFailure(`The archive cannot be read: ${what}.`, 'Make it with `ronctl audit export FILE.tar`, or with `tar --format=ustar -cf FILE.tar -C FOLDER .`')
}

/** A file as an archive has it: header, bytes, filling. */
export function formatTarFile (path: string, bytes: Uint8Array, timeMs: number): Uint8Array {
  const header = Buffer.alloc(BLOCK_BYTES)
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`
  header.write(path, 0, 100, 'latin1')
  header.write(octal(0o644, 7), 100)
  header.write(octal(0, 7), 108)
  header.write(octal(0, 7), 116)
  header.write(octal(bytes.byteLength, 11), 124)
  header.write(octal(Math.floor(timeMs / 1000), 11), 136)
  header.write('        ', 148)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  header.write(`${header.reduce((total, byte) => total + byte, 0).toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([header, bytes, Buffer.alloc((BLOCK_BYTES - bytes.byteLength % BLOCK_BYTES) % BLOCK_BYTES)])
}

/** Two empty blocks, as POSIX demands. */
export function formatTarEnd (): Uint8Array {
  return Buffer.alloc(2 * BLOCK_BYTES)
}
