import { createHash, randomBytes } from 'node:crypto'
import { lstatSync, mkdirSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { findDirectoryFault } from '../../core/private-directory.ts'
import { ReplacedError, type LogStorage, type Mark, type Pending } from './storage.ts'

interface Options {
  /** The published files, as a static server would serve them, and `pending/`. */
  readonly folder: string
  /** The high-water mark; not in `folder`, so that a restored folder does not bring its own. */
  readonly markFile: string
}

/** Two slots, written in turn: a torn write leaves the other. */
const SLOT_BYTES = 16_384

/** A log on disk. */
export class DiskLogStorage implements LogStorage {
  readonly #options: Options
  #lock: DatabaseSync | undefined
  #mark: { readonly file: FileHandle, readonly inode: number } | undefined
  #markTurn = 0
  #pending: { readonly file: FileHandle, readonly path: string, readonly inode: number, sizeBytes: number, isTorn: boolean } | undefined

  constructor (options: Options) {
    this.#options = options
  }

  async open (): Promise<void> {
    const { folder, markFile } = this.#options
    for (const path of [dirname(markFile), folder]) {
      mkdirSync(path, { recursive: true, mode: 0o700 })
      const fault = findDirectoryFault(lstatSync(path), process.getuid?.())
      if (fault !== undefined) throw new Error(`${path} ${fault}`)
    }
    await mkdir(join(folder, 'pending'), { recursive: true, mode: 0o700 })
    // Node has no flock: SQLite's lock is one that ends with the process, however it ends.
    const lock = new DatabaseSync(`${markFile}.lock`, { timeout: 0 })
    try {
      lock.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS held (x); COMMIT; BEGIN EXCLUSIVE')
    } catch (cause) {
      lock.close()
      throw new Error(`${folder} is in use by another process`, { cause })
    }
    this.#lock = lock
  }

  async readMark (): Promise<Mark | undefined> {
    const bytes = await orUndefined(readFile(this.#options.markFile))
    if (bytes === undefined) return undefined
    const slots = [0, 1].flatMap(slot => parseSlot(bytes.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES)) ?? [])
    const last = slots.sort((a, b) => b.turn - a.turn)[0]
    if (last === undefined) throw new ReplacedError(`${this.#options.markFile} is not a high-water mark`)
    this.#markTurn = last.turn
    return last.mark
  }

  async writeMark (mark: Mark): Promise<void> {
    const { file, inode } = this.#mark ??= await this.#openMark()
    await assertSame(this.#options.markFile, inode)
    const turn = this.#markTurn + 1
    await file.write(formatSlot({ turn, mark }), 0, SLOT_BYTES, (turn % 2) * SLOT_BYTES)
    await file.datasync()
    this.#markTurn = turn
  }

  async #openMark (): Promise<{ readonly file: FileHandle, readonly inode: number }> {
    const { markFile } = this.#options
    const isNew = await orUndefined(stat(markFile)) === undefined
    const file = await open(markFile, isNew ? 'wx+' : 'r+', 0o600)
    if (isNew) await syncFolder(dirname(markFile))
    return { file, inode: (await file.stat()).ino }
  }

  async read (path: string): Promise<Uint8Array | undefined> {
    return await orUndefined(readFile(join(this.#options.folder, path)))
  }

  async publish (files: ReadonlyArray<readonly [string, Uint8Array]>): Promise<void> {
    const folders = new Set<string>()
    const replaced: string[] = []
    for (const [path, bytes] of files) {
      const target = join(this.#options.folder, path)
      if (path === 'checkpoint') for (const folder of folders) await syncFolder(folder) // what it covers comes before it
      await mkdir(dirname(target), { recursive: true, mode: 0o700 })
      await replaceFile(target, bytes)
      for (let folder = dirname(target); folder.length >= this.#options.folder.length; folder = dirname(folder)) folders.add(folder)
      if (path !== 'checkpoint' && !path.includes('.p/')) replaced.push(`${target}.p`)
    }
    await syncFolder(this.#options.folder)
    // Not before: until the new checkpoint is on disk, the old one is the one a restart verifies by, and it needs the partial tiles.
    for (const folder of replaced) await rm(folder, { recursive: true, force: true })
  }

  async readPending (): Promise<Pending[]> {
    const folder = join(this.#options.folder, 'pending')
    const starts = (await readdir(folder)).filter(name => /^\d+$/.test(name)).map(Number).sort((a, b) => a - b)
    return await Promise.all(starts.map(async start => ({ start, bytes: await readFile(join(folder, String(start))) })))
  }

  async append (bytes: Uint8Array): Promise<void> {
    const pending = this.#pending
    if (pending === undefined) throw new Error('no list of pending entries was begun')
    if (pending.isTorn) {
      await pending.file.truncate(pending.sizeBytes)
      pending.isTorn = false
    }
    await assertSame(pending.path, pending.inode, pending.sizeBytes)
    try {
      const { bytesWritten } = await pending.file.write(bytes, 0, bytes.byteLength, pending.sizeBytes)
      if (bytesWritten !== bytes.byteLength) throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' })
      await pending.file.datasync()
    } catch (err) {
      pending.isTorn = true // cut off before the next append, or as a torn tail at the next start
      throw err
    }
    pending.sizeBytes += bytes.byteLength
  }

  async beginPending (start: number): Promise<void> {
    const folder = join(this.#options.folder, 'pending')
    const path = join(folder, String(start))
    const file = await open(path, 'w', 0o600)
    await file.sync()
    await syncFolder(folder)
    await this.#pending?.file.close()
    this.#pending = { file, path, inode: (await file.stat()).ino, sizeBytes: 0, isTorn: false }
    for (const name of await readdir(folder)) if (name !== String(start)) await rm(join(folder, name), { force: true })
  }

  async close (): Promise<void> {
    await this.#pending?.file.close()
    await this.#mark?.file.close()
    this.#lock?.close()
    this.#pending = this.#mark = this.#lock = undefined
  }
}

function formatSlot (value: { readonly turn: number, readonly mark: Mark }): Uint8Array {
  const json = JSON.stringify(value)
  const bytes = Buffer.alloc(SLOT_BYTES, ' ')
  if (bytes.write(`${createHash('sha256').update(json).digest('hex')} ${json}`) + 1 >= SLOT_BYTES) throw new RangeError('the mark is too long')
  bytes[SLOT_BYTES - 1] = 0x0a
  return bytes
}

function parseSlot (bytes: Uint8Array): { readonly turn: number, readonly mark: Mark } | undefined {
  const text = Buffer.from(bytes).toString('utf8').trimEnd()
  const json = text.slice(65)
  if (createHash('sha256').update(json).digest('hex') !== text.slice(0, 64)) return undefined
  return JSON.parse(json) as { turn: number, mark: Mark }
}

/** What we hold open is what a restart will find at the path. @throws {ReplacedError} */
async function assertSame (path: string, inode: number, sizeBytes?: number): Promise<void> {
  const found = await orUndefined(stat(path))
  if (found?.ino === inode && (sizeBytes === undefined || found.size === sizeBytes)) return
  throw new ReplacedError(`${path} was ${found === undefined ? 'deleted' : 'replaced or changed'} while the log was in use`)
}

/** Whole or not at all. What could not be written is removed: on a full disk every try would leave some. */
async function replaceFile (path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.${randomBytes(4).toString('hex')}.new`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (err) {
    await rm(draft, { force: true }).catch(() => {}) // the first fault is the one to tell
    throw err
  }
}

async function syncFolder (path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function orUndefined<T> (reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw err
  }
}
