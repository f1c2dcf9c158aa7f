import { constants } from 'node:fs'
import { mkdir, open, readdir, rm, writeFile, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { usageFailure } from '../failure.ts'
import { formatTarEnd, formatTarFile, indexTar, MAX_FILE_BYTES } from './tar.ts'

/** A pipe with nobody at its other end is opened at once then, and found to be no file. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK

/** The files of a published log, wherever they are. */
export interface LogFiles extends AsyncDisposable {
  read (path: string): Promise<Uint8Array | undefined>
}

/**
 * A folder or an archive of a log.
 * @throws {Failure} usage for what is neither
 */
export async function openLogFiles (path: string): Promise<LogFiles> {
  const file = await open(path, READ).catch(err => { throw unusable(path, err) })
  const stats = await file.stat()
  if (stats.isDirectory()) {
    await file.close()
    return { read: async name => await readRegular(join(path, name)), [Symbol.asyncDispose]: async () => {} }
  }
  try {
    if (!stats.isFile()) throw usageFailure(`${path} is neither a folder nor a file.`)
    const readAt = async (offset: number, length: number): Promise<Uint8Array> => await readExactly(file, offset, length)
    const places = await indexTar(stats.size, readAt)
    return {
      read: async name => {
        const place = places.get(name)
        return place === undefined ? undefined : await readAt(place.offset, place.sizeBytes)
      },
      [Symbol.asyncDispose]: async () => await file.close(),
    }
  } catch (err) {
    await file.close()
    throw err
  }
}

/** Where a log is exported to. `finish` makes it whole; left without, an archive is removed. */
export interface LogTarget extends AsyncDisposable {
  write (path: string, bytes: Uint8Array): Promise<void>
  finish (): Promise<void>
}

/**
 * A new folder, or a new archive when the name ends in `.tar`.
 * @throws {Failure} usage when something is there already
 */
export async function createLogTarget (path: string, nowMs: number): Promise<LogTarget> {
  if (!path.endsWith('.tar')) {
    await mkdir(path, { recursive: true }).catch(err => { throw unusable(path, err) })
    if ((await readdir(path)).length > 0) throw usageFailure(`${path} is not empty.`, 'Name a folder that is not there yet.')
    return {
      write: async (name, bytes) => {
        await mkdir(dirname(join(path, name)), { recursive: true })
        await writeFile(join(path, name), bytes, { flag: 'wx' })
      },
      finish: async () => {},
      [Symbol.asyncDispose]: async () => {},
    }
  }
  const file = await open(path, 'wx').catch(err => { throw unusable(path, err) })
  let isWhole = false
  return {
    write: async (name, bytes) => { await file.writeFile(formatTarFile(name, bytes, nowMs)) },
    finish: async () => {
      await file.writeFile(formatTarEnd())
      await file.sync()
      isWhole = true
    },
    [Symbol.asyncDispose]: async () => {
      await file.close()
      if (!isWhole) await rm(path, { force: true })
    },
  }
}

async function readRegular (path: string): Promise<Uint8Array | undefined> {
  let file: FileHandle
  try {
    file = await open(path, READ)
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT' || (err as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined
    throw unusable(path, err as Error)
  }
  try {
    const stats = await file.stat()
    if (!stats.isFile() || stats.size > MAX_FILE_BYTES) throw usageFailure(`${path} is not a file of a log.`)
    return await readExactly(file, 0, stats.size)
  } finally {
    await file.close()
  }
}

async function readExactly (file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.alloc(length)
  const { bytesRead } = await file.read(bytes, 0, length, offset)
  return bytes.subarray(0, bytesRead)
}

function unusable (path: string, err: Error) {
  return usageFailure(`${path} cannot be used: ${err.message}.`)
}
