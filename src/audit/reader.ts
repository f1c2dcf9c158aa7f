import { DhtError } from '../core/errors.ts'
import { parseEntry, type Entry } from './format/entry.ts'
import { formatProofFile } from './format/proof-file.ts'
import { decodeBundle, tilePath, tileReader, TILE_WIDTH } from './format/tile.ts'
import { inclusionProof } from './format/tree.ts'
import type { LogStorage } from './storage/storage.ts'
import type { Tail } from './tail.ts'

/** What the log is now; written by its writer alone. */
export interface LogState {
  tail: Tail
  /** What the checkpoint covers. */
  published: number
  checkpoint: Uint8Array | undefined
}

export interface ReadEntry { readonly entry: Entry, readonly bytes: Uint8Array }

/** What the log tells: its files, its entries, and proofs. */
export class LogReader {
  readonly #state: Readonly<LogState>
  readonly #storage: LogStorage

  constructor (state: Readonly<LogState>, storage: LogStorage) {
    this.#state = state
    this.#storage = storage
  }

  async file (path: string): Promise<Uint8Array | undefined> {
    return path === 'checkpoint' ? this.#state.checkpoint : await this.#storage.read(path)
  }

  async * entries (from: number, to: number): AsyncGenerator<ReadEntry> {
    for (let seq = from; seq < Math.min(to, this.#state.tail.size);) {
      const held = this.#state.tail.entry(seq)
      const chunk = held === undefined ? await this.#readBundle(seq) : [held]
      for (const bytes of chunk.slice(0, to - seq)) {
        yield { entry: parseEntry(bytes), bytes }
        seq++
      }
    }
  }

  async proof (seq: number): Promise<string> {
    const { published: size, checkpoint } = this.#state
    if (checkpoint === undefined || !(seq < size)) throw new DhtError('NotFound', `No checkpoint covers an entry ${seq}.`, { hint: `The last checkpoint covers ${size} entries.` })
    const proof = await inclusionProof(seq, size, tileReader(size, async path => await this.#storage.read(path)))
    return formatProofFile({ index: seq, proof, checkpoint })
  }

  /** From the entry on. What is in the last bundle the tail holds. */
  async #readBundle (seq: number): Promise<Uint8Array[]> {
    const path = tilePath({ level: 'entries', index: Math.floor(seq / TILE_WIDTH), width: TILE_WIDTH })
    const { entries } = decodeBundle(await this.#storage.read(path) ?? new Uint8Array())
    if (entries.length !== TILE_WIDTH) throw new DhtError('DegradedAudit', `${path} of the log is missing or misshapen.`)
    return entries.slice(seq % TILE_WIDTH)
  }
}
