import { DhtError } from '../../core/errors.ts'
import { HASH_BYTES, nodeHash, type Hash, type SubtreeReader } from './tree.ts'

// c2sp.org/tlog-tiles: where hashes and entries are.

export const TILE_WIDTH = 256
const TILE_HEIGHT = 8
const MAX_ENTRY_BYTES = 65_535

/** `level` 0 holds leaf hashes; `entries` holds the entries themselves. `width` 256 is a full tile. */
export interface Tile {
  readonly level: number | 'entries'
  readonly index: number
  readonly width: number
}

/** c2sp.org/tlog-tiles: `tile/<level>/x001/x234/067[.p/<width>]`. */
export function tilePath ({ level, index, width }: Tile): string {
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, '0')
  const groups = digits.match(/\d{3}/g) ?? []
  const path = groups.map((group, at) => at === groups.length - 1 ? group : `x${group}`).join('/')
  return `tile/${level}/${path}${width === TILE_WIDTH ? '' : `.p/${width}`}`
}

/** Undefined for what is not the one path of a tile. */
export function parseTilePath (path: string): Tile | undefined {
  const found = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path)
  if (found === null) return undefined
  const level = found[1] === 'entries' ? 'entries' as const : Number(found[1])
  const tile = { level, index: Number(found[2]?.replaceAll(/[x/]/g, '')), width: found[3] === undefined ? TILE_WIDTH : Number(found[3]) }
  const isSane = (level === 'entries' || level <= 63) && Number.isSafeInteger(tile.index) && tile.width >= 1 && tilePath(tile) === path
  return isSane ? tile : undefined
}

/** The first entry behind those that the full tile is about. */
export function endOf ({ level, index }: Tile): number {
  return (index + 1) * TILE_WIDTH ** (level === 'entries' ? 1 : level + 1)
}

/** The tiles of hashes that a tree of `size` has and the tree of `since` had not, or not as wide. */
export function newTiles (since: number, size: number): Tile[] {
  const tiles: Tile[] = []
  for (let level = 0; Math.floor(size / TILE_WIDTH ** level) > 0; level++) {
    const [before, now] = [Math.floor(since / TILE_WIDTH ** level), Math.floor(size / TILE_WIDTH ** level)]
    tiles.push(...tilesOf(before, now).map(tile => ({ level, ...tile })))
  }
  return tiles
}

/** The bundles of entries likewise. */
export function newBundles (since: number, size: number): Tile[] {
  return tilesOf(since, size).map(tile => ({ level: 'entries', ...tile }))
}

function tilesOf (since: number, size: number): Array<{ index: number, width: number }> {
  const tiles: Array<{ index: number, width: number }> = []
  if (since === size) return tiles
  for (let index = Math.floor(since / TILE_WIDTH); index * TILE_WIDTH < size; index++) tiles.push({ index, width: Math.min(TILE_WIDTH, size - index * TILE_WIDTH) })
  return tiles
}

/** Reads subtrees out of the tiles of a tree of `size`. @throws {DhtError} DegradedAudit when a tile is missing or misshapen */
export function tileReader (size: number, readFile: (path: string) => Promise<Uint8Array | undefined>): SubtreeReader {
  const cached = new Map<string, Promise<Uint8Array>>() // bounded by the tiles of a proof: a reader lives for one
  const load = async (tile: Tile): Promise<Uint8Array> => {
    const path = tilePath(tile)
    const bytes = await readFile(path)
    if (bytes?.byteLength !== tile.width * HASH_BYTES) throw new DhtError('DegradedAudit', `${path} of the log is ${bytes === undefined ? 'missing' : 'misshapen'}.`)
    return bytes
  }
  return async (level, index) => {
    const tileLevel = Math.floor(level / TILE_HEIGHT)
    const height = level % TILE_HEIGHT
    const first = index * 2 ** height
    const tileIndex = Math.floor(first / TILE_WIDTH)
    const width = Math.min(TILE_WIDTH, Math.floor(size / TILE_WIDTH ** tileLevel) - tileIndex * TILE_WIDTH)
    const tile = { level: tileLevel, index: tileIndex, width }
    const key = tilePath(tile)
    const loading = cached.get(key) ?? load(tile)
    cached.set(key, loading)
    const bytes = await loading
    const hashes: Hash[] = []
    for (let at = first % TILE_WIDTH; hashes.length < 2 ** height; at++) hashes.push(bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES))
    return fold(hashes)
  }
}

/** The root of a complete subtree with these, a power of two of them, at its bottom. */
export function fold (hashes: readonly Hash[]): Hash {
  const [left, right] = hashes
  if (left === undefined || right === undefined) return left ?? new Uint8Array()
  if (hashes.length === 2) return nodeHash(left, right)
  return nodeHash(fold(hashes.slice(0, hashes.length / 2)), fold(hashes.slice(hashes.length / 2)))
}

/** Entries as a bundle has them: each behind its length in two bytes. */
export function encodeBundle (entries: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(entries.flatMap(entry => {
    if (entry.byteLength > MAX_ENTRY_BYTES) throw new RangeError('entry too long')
    return [Uint8Array.of(entry.byteLength >> 8, entry.byteLength & 0xff), entry]
  }))
}

/** The entries of a bundle, and how many bytes at its end are not a whole one. */
export function decodeBundle (bytes: Uint8Array): { readonly entries: Uint8Array[], readonly rest: number } {
  const entries: Uint8Array[] = []
  let at = 0
  while (at + 2 <= bytes.byteLength) {
    const length = (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)
    if (at + 2 + length > bytes.byteLength) break
    entries.push(bytes.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  return { entries, rest: bytes.byteLength - at }
}
