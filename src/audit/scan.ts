import { parseEntry, type Entry } from './format/entry.ts'
import { decodeBundle, newBundles, newTiles, TILE_WIDTH, tilePath, type Tile } from './format/tile.ts'
import { equal, HASH_BYTES, leafHash, type Hash } from './format/tree.ts'
import { Tail } from './tail.ts'

/** The action of the entry that says which entries are let go. */
export const PRUNE_ACTION = 'audit.prune'

/** What is wrong with a log; the label of `audit_integrity_failed_total`. */
export type IntegrityFault =
  | 'entry' | 'tile' | 'root' | 'checkpoint' | 'signature' | 'origin' | 'shorter' | 'fork' | 'missing' | 'unmarked' | 'pending' | 'replaced' | 'stale'

/** A log that is not as it was left. `seq` names the first entry that shows it, where there is one. */
export class IntegrityError extends Error {
  override readonly name = 'IntegrityError'
  readonly fault: IntegrityFault
  readonly seq: number | undefined
  constructor (fault: IntegrityFault, message: string, options: ErrorOptions & { readonly seq?: number } = {}) {
    super(message, options)
    this.fault = fault
    this.seq = options.seq
  }
}

type ReadFile = (path: string) => Promise<Uint8Array | undefined>

interface Seen { readonly entry: Entry, readonly bytes: Uint8Array }

/**
 * Reads the first `size` entries of a log and checks every one of them, the chain between them, and every tile.
 * With `from`, which is where a bundle begins, only those behind it: of the ones before, the hashes that the root needs.
 * The root of the tail that it returns is still to be compared with a checkpoint's.
 * @throws {IntegrityError} at the first thing that is wrong
 */
export async function scan (size: number, readFile: ReadFile, onEntry: (seen: Seen) => void = () => {}, from = 0): Promise<Tail> {
  const tail = from === 0 ? new Tail() : await edgeAt(from, size, readFile)
  await scanBundles(tail, size, readFile, onEntry)
  await checkPartialTiles(tail, readFile)
  return tail
}

/** Goes on behind the entries that the tail has, up to `size`; checks them, and every full tile that they fill. */
export async function scanBundles (tail: Tail, size: number, readFile: ReadFile, onEntry: (seen: Seen) => void = () => {}): Promise<void> {
  for (const bundle of newBundles(tail.size, size)) {
    const base = tail.size
    const entries = await readBundle(readFile, tilePath(bundle), base, bundle.width)
    const leaves = await readTile(readFile, tilePath({ ...bundle, level: 0 }), bundle.width)
    entries.forEach((bytes, at) => {
      const before = at === 0 ? undefined : hashAt(leaves, at - 1)
      const entry = checkEntry(bytes, base + at, tail.isLinked ? tail.prev : undefined, before)
      tail.append(bytes, leafHash(bytes))
      onEntry({ entry, bytes })
    })
    checkLeaves(tail.tile({ ...bundle, level: 0 }), leaves, base)
    for (const tile of newTiles(base, tail.size).filter(({ level, width }) => level !== 0 && width === TILE_WIDTH)) await checkTile(readFile, tile, tail)
    if (bundle.width === TILE_WIDTH) tail.trim()
  }
}

/** The tiles above the leaves that are not full, at the right edge of a log of the tail's size. */
export async function checkPartialTiles (tail: Tail, readFile: ReadFile): Promise<void> {
  for (const tile of newTiles(0, tail.size).filter(({ level, width }) => level !== 0 && width !== TILE_WIDTH)) await checkTile(readFile, tile, tail)
}

/** A log as its keepers may leave it: the oldest bundles are gone, and an entry of the log says so. */
export interface Pruned {
  readonly tail: Tail
  /** The first entry that is still there. */
  readonly minimum: number
}

/**
 * As {@link scan}, for a log of which the oldest entries may have been let go, as its entries `audit.prune` say.
 * @throws {IntegrityError} at the first thing that is wrong; a bundle that is gone without such an entry is missing
 */
export async function scanKept (size: number, readFile: ReadFile): Promise<Pruned> {
  const looked = new Map<string, Uint8Array>() // each file is read once; bounded by the steps of the search
  const minimum = await findFirstKept(size, async path => {
    const bytes = await readFile(path)
    if (bytes !== undefined) looked.set(path, bytes)
    return bytes
  })
  let allowed = 0
  const tail = await scan(size, async path => looked.get(path) ?? await readFile(path), ({ entry }) => { allowed = Math.max(allowed, prunedBy(entry)) }, minimum)
  if (minimum > allowed) throw new IntegrityError('missing', `${tilePath({ level: 'entries', index: 0, width: TILE_WIDTH })}, with the entries from 0 on, is missing.`, { seq: 0 })
  return { tail, minimum }
}

/** Where bundles begin to be there; what is missing behind it is for the scan to find. */
async function findFirstKept (size: number, readFile: ReadFile): Promise<number> {
  const isThere = async (index: number): Promise<boolean> => await readFile(tilePath({ level: 'entries', index, width: TILE_WIDTH })) !== undefined
  const full = Math.floor(size / TILE_WIDTH)
  if (full === 0 || await isThere(0)) return 0
  let [gone, there] = [0, full]
  while (there - gone > 1) {
    const middle = Math.floor((gone + there) / 2)
    if (await isThere(middle)) there = middle
    else gone = middle
  }
  return there * TILE_WIDTH
}

/** What the entry says is the first one kept; 0 for an entry of another kind. */
function prunedBy ({ action, event }: Entry): number {
  const minimum = action === PRUNE_ACTION && typeof event === 'object' && event !== null && 'minimum' in event ? event.minimum : 0
  return Number.isSafeInteger(minimum) ? Number(minimum) : 0
}

async function edgeAt (from: number, size: number, readFile: ReadFile): Promise<Tail> {
  return await Tail.at(from, async (level, index) => {
    const width = Math.min(TILE_WIDTH, Math.floor(size / TILE_WIDTH ** level) - index * TILE_WIDTH)
    return await readTile(readFile, tilePath({ level, index, width }), width)
  }, async () => {
    const leaves = await readFile(tilePath({ level: 0, index: from / TILE_WIDTH - 1, width: TILE_WIDTH }))
    return leaves === undefined ? undefined : hashAt(leaves, TILE_WIDTH - 1)
  })
}

async function checkTile (readFile: ReadFile, tile: Tile, tail: Tail): Promise<void> {
  const path = tilePath(tile)
  if (!equal(await readTile(readFile, path, tile.width), tail.tile(tile))) throw new IntegrityError('tile', `${path} does not hold the hashes of the tiles below it.`)
}

async function readBundle (readFile: ReadFile, path: string, base: number, width: number): Promise<Uint8Array[]> {
  const bytes = await readFile(path)
  if (bytes === undefined) throw new IntegrityError('missing', `${path}, with the entries from ${base} on, is missing.`, { seq: base })
  const { entries, rest } = decodeBundle(bytes)
  if (entries.length !== width || rest !== 0) throw new IntegrityError('entry', `${path} does not hold the ${width} entries from ${base} on: a length was changed.`, { seq: base })
  return entries
}

async function readTile (readFile: ReadFile, path: string, width: number): Promise<Uint8Array> {
  const bytes = await readFile(path)
  if (bytes === undefined) throw new IntegrityError('missing', `${path} is missing.`)
  if (bytes.byteLength !== width * HASH_BYTES) throw new IntegrityError('tile', `${path} has ${bytes.byteLength} bytes, not ${width * HASH_BYTES}.`)
  return bytes
}

/** `leafBefore` is what the tile says of the entry before, to tell which of the two was altered. */
export function checkEntry (bytes: Uint8Array, seq: number, prev: string | undefined, leafBefore: Hash | undefined): Entry {
  let entry: Entry
  try {
    entry = parseEntry(bytes)
  } catch (cause) {
    throw new IntegrityError('entry', `Entry ${seq} was altered: ${(cause as Error).message}.`, { cause, seq })
  }
  if (entry.seq !== seq) throw new IntegrityError('entry', `Entry ${seq} says that it is entry ${entry.seq}.`, { seq })
  if (prev !== undefined && entry.prev !== prev) {
    const altered = leafBefore !== undefined && Buffer.from(leafBefore).toString('hex') === entry.prev ? seq - 1 : seq
    throw new IntegrityError('entry', `Entry ${altered} was altered: entry ${seq} does not follow from entry ${seq - 1}.`, { seq: altered })
  }
  return entry
}

function checkLeaves (computed: Uint8Array, told: Uint8Array, base: number): void {
  const width = told.byteLength / HASH_BYTES
  for (let at = 0; at < width; at++) {
    if (equal(hashAt(computed, at), hashAt(told, at))) continue
    const seq = base + at
    // The chain holds up to here, so an entry that is followed is as it was; of the last one nothing says so.
    if (at === width - 1) throw new IntegrityError('entry', `Entry ${seq}, or its hash in the tile of leaves, was altered.`, { seq })
    throw new IntegrityError('tile', `The tile of leaves does not hold the hash of entry ${seq}.`, { seq })
  }
}

function hashAt (tile: Uint8Array, at: number): Hash {
  return tile.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES)
}
