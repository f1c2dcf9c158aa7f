import { endOf, parseTilePath, TILE_WIDTH, tilePath } from '../format/tile.ts'
import type { LogStorage, Mark, Pending } from './storage.ts'

interface Options {
  /** Beyond half of it the oldest entries are let go, down to a quarter. Beyond all of it, as with a last bundle of that size, it takes no more. */
  readonly limitBytes: number
}

/** A log in memory, gone with the process. */
export class MemoryLogStorage implements LogStorage {
  readonly #limitBytes: number
  /** Bounded by `limitBytes`; partial tiles go when a wider one comes. */
  readonly #files = new Map<string, Uint8Array>()
  #mark: Mark | undefined
  #pending: { start: number, chunks: Uint8Array[] } = { start: 0, chunks: [] }
  #sizeBytes = 0

  constructor ({ limitBytes }: Options) {
    this.#limitBytes = limitBytes
  }

  async open (): Promise<void> {}
  async close (): Promise<void> {}
  async readMark (): Promise<Mark | undefined> { return this.#mark }
  async writeMark (mark: Mark): Promise<void> { this.#mark = mark }
  async read (path: string): Promise<Uint8Array | undefined> { return this.#files.get(path) }

  async publish (files: ReadonlyArray<readonly [string, Uint8Array]>): Promise<void> {
    for (const [path, bytes] of files) {
      const stem = path.split('.p/')[0] ?? path
      for (const old of this.#partials.get(stem) ?? []) this.#drop(old)
      this.#drop(path)
      this.#files.set(path, bytes)
      this.#sizeBytes += bytes.byteLength
      if (path === stem) this.#partials.delete(stem)
      else this.#partials.set(stem, [path])
    }
  }

  /** By the path of the full tile: its partial one. */
  readonly #partials = new Map<string, string[]>()

  #drop (path: string): void {
    this.#sizeBytes -= this.#files.get(path)?.byteLength ?? 0
    this.#files.delete(path)
  }

  async readPending (): Promise<Pending[]> {
    return [{ start: this.#pending.start, bytes: Buffer.concat(this.#pending.chunks) }]
  }

  findMinimum (minimum: number, published: number): number {
    let kept = this.#sizeBytes
    let index = minimum / TILE_WIDTH
    if (kept > this.#limitBytes / 2) {
      for (; kept > this.#limitBytes / 4 && (index + 1) * TILE_WIDTH <= published; index++) kept -= this.#files.get(tilePath({ level: 'entries', index, width: TILE_WIDTH }))?.byteLength ?? 0
    }
    return index * TILE_WIDTH
  }

  letGo (minimum: number): void {
    for (const path of this.#files.keys()) {
      const tile = parseTilePath(path)
      if (tile?.width === TILE_WIDTH && endOf(tile) <= minimum) this.#drop(path)
    }
  }

  async append (bytes: Uint8Array): Promise<void> {
    if (this.#sizeBytes + bytes.byteLength > this.#limitBytes) throw Object.assign(new Error('the log in memory is full'), { code: 'ENOSPC' })
    this.#pending.chunks.push(bytes)
    this.#sizeBytes += bytes.byteLength
  }

  async beginPending (start: number): Promise<void> {
    this.#sizeBytes -= this.#pending.chunks.reduce((sum, { byteLength }) => sum + byteLength, 0)
    this.#pending = { start, chunks: [] }
  }
}
