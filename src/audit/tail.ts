import { CompactRange, HASH_BYTES, type Hash } from './format/tree.ts'
import { encodeBundle, fold, newBundles, newTiles, TILE_WIDTH, tilePath, type Tile } from './format/tile.ts'

/** The right edge of the log, from which new tiles and the root are made. */
export class Tail {
  #range = new CompactRange()
  /** By tile level; each begins at a whole tile. Bounded by `trim`, which follows every publication. */
  readonly #levels: Array<{ first: number, hashes: Hash[] }> = []
  readonly #entries: { first: number, bytes: Uint8Array[] } = { first: 0, bytes: [] }
  #last: Hash | undefined

  /**
   * The edge of the first `size` entries, whole bundles of them, out of the tiles of a larger log. That the tiles are those of the
   * log is for the caller to check, by the root.
   * @throws what `readTile` throws
   */
  static async at (size: number, readTile: (level: number, index: number) => Promise<Uint8Array>, readLastLeaf: () => Promise<Hash | undefined>): Promise<Tail> {
    const tail = new Tail()
    const subtrees: Array<{ level: number, hash: Hash }> = []
    for (let level = 0; Math.floor(size / TILE_WIDTH ** level) > 0; level++) {
      const count = Math.floor(size / TILE_WIDTH ** level)
      const width = count % TILE_WIDTH
      const tile = width === 0 ? new Uint8Array() : await readTile(level, Math.floor(count / TILE_WIDTH))
      const hashes = Array.from({ length: width }, (_, at) => tile.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES))
      tail.#levels[level] = { first: count - width, hashes }
      subtrees.unshift(...subtreesOf(hashes, level * 8))
    }
    tail.#range = CompactRange.of(subtrees)
    tail.#entries.first = size
    tail.#last = size === 0 ? undefined : await readLastLeaf()
    return tail
  }

  get size (): number { return this.#range.size }
  /** Whether the hash of the entry before is known: of one that was let go it may not be. */
  get isLinked (): boolean { return this.size === 0 || this.#last !== undefined }
  /** Leaf hash of the last entry, in hex; empty before the first. */
  get prev (): string { return this.#last === undefined ? '' : Buffer.from(this.#last).toString('hex') }
  root (): Hash { return this.#range.root() }

  append (entry: Uint8Array, leaf: Hash): void {
    this.#entries.bytes.push(entry)
    this.#last = leaf
    this.#range.append(leaf, (level, _index, hash) => {
      if (level % 8 === 0) (this.#levels[level / 8] ??= { first: 0, hashes: [] }).hashes.push(hash)
    })
  }

  /** The files that a checkpoint of this size needs and one of `since` had not. */
  files (since: number): Array<readonly [path: string, bytes: Uint8Array]> {
    return [...newBundles(since, this.size), ...newTiles(since, this.size)].map(tile => [tilePath(tile), this.tile(tile)] as const)
  }

  /** Of a tile that `trim` has not let go. */
  tile ({ level, index, width }: Tile): Uint8Array {
    const held = level === 'entries' ? { first: this.#entries.first, items: this.#entries.bytes } : { first: this.#levels[level]?.first ?? 0, items: this.#levels[level]?.hashes ?? [] }
    const from = index * TILE_WIDTH - held.first
    const items = held.items.slice(from, from + width)
    if (from < 0 || items.length !== width) throw new RangeError(`tile ${index} of level ${level} is not held`)
    return level === 'entries' ? encodeBundle(items) : Buffer.concat(items)
  }

  /** The entry, while it is in the last bundle or not published yet. */
  entry (seq: number): Uint8Array | undefined {
    return seq < this.#entries.first ? undefined : this.#entries.bytes[seq - this.#entries.first]
  }

  /** Lets go of full tiles, which are published. */
  trim (): void {
    for (const level of this.#levels) {
      const done = Math.floor(level.hashes.length / TILE_WIDTH) * TILE_WIDTH
      level.hashes.splice(0, done)
      level.first += done
    }
    const done = Math.floor(this.#entries.bytes.length / TILE_WIDTH) * TILE_WIDTH
    this.#entries.bytes.splice(0, done)
    this.#entries.first += done
  }
}

/** Complete subtrees of hashes that are less than a tile, the largest first. */
function subtreesOf (hashes: readonly Hash[], level: number): Array<{ level: number, hash: Hash }> {
  const subtrees: Array<{ level: number, hash: Hash }> = []
  for (let height = 7, at = 0; height >= 0; height--) {
    if ((hashes.length & 2 ** height) === 0) continue
    subtrees.push({ level: level + height, hash: fold(hashes.slice(at, at + 2 ** height)) })
    at += 2 ** height
  }
  return subtrees
}
