import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DhtError } from '../core/errors.ts'
import type { Degradation, DegradationStore } from './degraded-mode.ts'

/** For a daemon that leaves nothing behind. */
export class ForgottenDegradation implements DegradationStore {
  async load (): Promise<undefined> { return undefined }
  async save (): Promise<void> { /* amnesia: the mode ends with the process */ }
}

/** One small file in the data directory. */
export class FileDegradation implements DegradationStore {
  readonly #path: string

  constructor (dataDir: string) {
    this.#path = join(dataDir, 'degraded.json')
  }

  async load (): Promise<Degradation | undefined> {
    try {
      return parse(await readFile(this.#path, 'utf8'))
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw new DhtError('StoreUnavailable', `Whether degraded mode is on cannot be read: ${this.#path}`, { cause: err, hint: 'Repair the file, or remove it to end degraded mode.' })
    }
  }

  async save (degradation: Degradation | undefined): Promise<void> {
    try {
      if (degradation === undefined) await rm(this.#path, { force: true })
      else await this.#write(JSON.stringify(degradation))
      await syncDirectory(dirname(this.#path))
    } catch (err) {
      throw new DhtError('StoreUnavailable', 'Degraded mode could not be written to disk.', { cause: err })
    }
  }

  async #write (text: string): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
    const draft = `${this.#path}.new`
    {
      await using file = await open(draft, 'w', 0o600)
      await file.writeFile(text)
      await file.sync()
    }
    await rename(draft, this.#path)
  }
}

function parse (text: string): Degradation {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) throw new Error('not an object')
  const { reason, actor, since } = value as Record<string, unknown>
  if (typeof reason !== 'string' || typeof actor !== 'string' || typeof since !== 'number') throw new Error('fields are missing')
  return { reason, actor, since }
}

async function syncDirectory (path: string): Promise<void> {
  await using directory = await open(path)
  await directory.sync()
}
