import { DhtError } from '../core/errors.ts'
import { parseEntry, type Entry } from './format/entry.ts'
import { formatProofFile } from './format/proof-file.ts'
import { decodeBundle, encodeBundle, parseTilePath, tilePath, tileReader, TILE_WIDTH, type Tile } from './format/tile.ts'
import { HASH_BYTES, inclusionProof } from './format/tree.ts'
import type { LogStorage } from './storage/storage.ts'
import type { Tail } from './tail.ts'

/** What the log is now; written by its writer alone. */
export interface LogState {
  tail: Tail
  /** What the checkpoint covers. */
  published: number
  checkpoint: Uint8Array | undefined
  /** The first entry that is published: older ones were let go. Where a bundle begins. */
  minimum: number
}

/** What anybody may know of the head. */
export interface LogHead {
  readonly origin: string
  readonly size: number
  readonly published: number
  /** The first entry that is published: older ones were let go. */
  readonly minimum: number
  readonly root: string
  readonly keys: readonly string[]
  /** Why the log takes no entries; undefined while it does. */
  readonly refusal: string | undefined
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

  /** A file of the published log, by its path in tlog-tiles. A partial tile stays there after a wider one took its place. */
  async file (path: string): Promise<Uint8Array | undefined> {
    if (path === 'checkpoint') return this.#state.checkpoint
    const tile = parseTilePath(path)
    const isLetGo = tile?.level === 'entries' && tile.index * TILE_WIDTH < this.#state.minimum
    return isLetGo ? undefined : await this.#storage.read(path) ?? (tile === undefined ? undefined : await this.#readNarrowed(tile))
  }

  /** A tile that a wider one took the place of: its first items. Who holds an older checkpoint needs it, also in the moment of a new one. */
  async #readNarrowed (tile: Tile): Promise<Uint8Array | undefined> {
    if (tile.width === TILE_WIDTH) return undefined
    const items = Math.floor(this.#state.published / TILE_WIDTH ** (tile.level === 'entries' ? 0 : tile.level)) - tile.index * TILE_WIDTH
    for (const width of new Set([Math.min(TILE_WIDTH, items), TILE_WIDTH])) {
      if (width <= tile.width) continue
      const wider = await this.#storage.read(tilePath({ ...tile, width }))
      if (wider !== undefined) return tile.level === 'entries' ? encodeBundle(decodeBundle(wider).entries.slice(0, tile.width)) : wider.subarray(0, tile.width * HASH_BYTES)
    }
    return undefined
  }

  /** Every entry that there is, also those that are not published any more. */
  async * everything (from: number, to: number): AsyncGenerator<ReadEntry> {
    yield * this.#entries(this.#storage.letGo === undefined ? from : Math.max(from, this.#state.minimum), to)
  }

  /** @throws {DhtError} NotFound for a range that begins with entries that were let go */
  entries (from: number, to: number): AsyncGenerator<ReadEntry> {
    this.#assertKept(from)
    return this.#entries(from, to)
  }

  async * #entries (from: number, to: number): AsyncGenerator<ReadEntry, undefined> {
    for (let seq = from; seq < Math.min(to, this.#state.tail.size);) {
      const held = this.#state.tail.entry(seq)
      const chunk = held === undefined ? await this.#readBundle(seq) : [held]
      for (const bytes of chunk.slice(0, to - seq)) {
        yield { entry: parseEntry(bytes), bytes }
        seq++
      }
    }
  }

  /** When the entry was made, in milliseconds. */
  async timeOf (seq: number): Promise<number> {
    const { value } = await this.#entries(seq, seq + 1).next()
    return value === undefined ? Number.POSITIVE_INFINITY : Date.parse(value.entry.ts)
  }

  async proof (seq: number): Promise<string> {
    const { published: size, checkpoint } = this.#state
    if (checkpoint === undefined || !(seq < size)) throw new DhtError('NotFound', `No checkpoint covers an entry ${seq}.`, { hint: `The last checkpoint covers ${size} entries.` })
    this.#assertKept(seq)
    const proof = await inclusionProof(seq, size, tileReader(size, async path => await this.file(path)))
    return formatProofFile({ index: seq, proof, checkpoint })
  }

  #assertKept (seq: number): void {
    const { minimum } = this.#state
    if (seq < minimum) throw new DhtError('NotFound', `Entry ${seq} was let go: the log keeps its hash, and entries from ${minimum} on.`, { hint: `Ask for entries from ${minimum} on. Entries audit.prune say when those before were let go.` })
  }

  /** From the entry on. What is in the last bundle the tail holds. */
  async #readBundle (seq: number): Promise<Uint8Array[]> {
    const path = tilePath({ level: 'entries', index: Math.floor(seq / TILE_WIDTH), width: TILE_WIDTH })
    const bytes = await this.#storage.read(path)
    if (bytes === undefined) this.#assertKept(seq) // let go since the reading began
    const { entries } = decodeBundle(bytes ?? new Uint8Array())
    if (entries.length !== TILE_WIDTH) throw new DhtError('DegradedAudit', `${path} of the log is missing or misshapen.`)
    return entries.slice(seq % TILE_WIDTH)
  }
}
