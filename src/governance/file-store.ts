import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { GovernanceStore } from './store.ts'

/** 4096 nodes, four lists of 1024 and 128 keys take less than half of it. */
const MAX_BYTES = 8 * 1024 * 1024

/** Two files in the data directory, each replaced as a whole. */
export class FileGovernanceStore implements GovernanceStore {
  readonly #folder: string

  constructor (folder: string) {
    this.#folder = folder
  }

  async readSnapshot (): Promise<string | undefined> { return read(this.#path('membership.snapshot')) }

  async writeSnapshot (text: string): Promise<void> {
    const path = this.#path('membership.snapshot')
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    {
      await using file = await open(`${path}.new`, 'w', 0o600)
      await file.writeFile(text)
      await file.sync()
    }
    await rename(`${path}.new`, path)
    await using folder = await open(this.#folder)
    await folder.sync()
  }

  readMark (): string | undefined { return read(this.#path('governance.mark')) }

  writeMark (text: string): void {
    const path = this.#path('governance.mark')
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    const file = openSync(`${path}.new`, 'w', 0o600)
    try {
      writeFileSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(`${path}.new`, path)
  }

  #path (name: string): string { return join(this.#folder, name) }
}

function read (path: string): string | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw err
  }
  try {
    const { size, mode, uid } = fstatSync(file)
    if (size > MAX_BYTES) throw new Error(`${path} is too large`)
    if ((mode & 0o077) !== 0 || uid !== process.getuid?.()) throw new Error(`${path} must be ours alone (mode 0600)`)
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}
