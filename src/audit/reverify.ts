import { CheckpointError, openCheckpoint } from './format/checkpoint.ts'
import type { VerifierKey } from './format/note.ts'
import { decodeBundle } from './format/tile.ts'
import { equal } from './format/tree.ts'
import type { LogState } from './reader.ts'
import { checkPartialTiles, IntegrityError, scanBundles } from './scan.ts'
import type { LogStorage } from './storage/storage.ts'
import { Tail } from './tail.ts'

interface Signed { readonly origin: string, readonly keys: readonly VerifierKey[] }

/**
 * The last step of verifying a log that is in use; nothing may write meanwhile. `tail` has what was verified before. Checks what the
 * checkpoint covers behind it, the checkpoint on disk, the entries on disk that no checkpoint covers, and the high-water mark.
 * @throws {IntegrityError} for what is not as the log knows itself
 */
export async function reverifyEdge (tail: Tail, state: Readonly<LogState>, storage: LogStorage, signed: Signed): Promise<void> {
  const readFile = async (path: string): Promise<Uint8Array | undefined> => await storage.read(path)
  await scanBundles(tail, state.published, readFile)
  await checkPartialTiles(tail, readFile)
  const { size, root } = await readCheckpoint(storage, signed)
  if (size !== state.published) throw new IntegrityError('fork', `The checkpoint on disk covers ${size} entries, not ${state.published}: it was replaced.`)
  if (!equal(tail.root(), root)) throw new IntegrityError('root', `The entries do not have the root that the checkpoint signs for size ${size}.`)
  await checkPending(state.tail, storage)
  await checkMark(state.tail, storage)
}

async function readCheckpoint (storage: LogStorage, { origin, keys }: Signed) {
  const bytes = await storage.read('checkpoint')
  if (bytes === undefined) throw new IntegrityError('missing', 'The checkpoint is missing.')
  try {
    return openCheckpoint(bytes, origin, keys)
  } catch (cause) {
    if (cause instanceof CheckpointError) throw new IntegrityError(cause.fault, cause.message, { cause })
    throw cause
  }
}

/** A restart would go by it. */
async function checkMark (tail: Tail, storage: LogStorage): Promise<void> {
  const mark = await storage.readMark()
  if (mark === undefined) throw new IntegrityError('unmarked', 'The high-water mark is gone.')
  if (mark.size !== tail.size || mark.root !== Buffer.from(tail.root()).toString('hex')) throw new IntegrityError('replaced', `The high-water mark on disk is of ${mark.size} entries, not of these ${tail.size}: it was replaced.`)
}

/** Entries that wait for a checkpoint are on disk as they are in memory. */
async function checkPending (tail: Tail, storage: LogStorage): Promise<void> {
  let end = 0
  for (const { start, bytes } of await storage.readPending()) {
    const { entries } = decodeBundle(bytes)
    for (const [at, entry] of entries.entries()) {
      const held = tail.entry(start + at)
      if (held !== undefined && !equal(entry, held)) throw new IntegrityError('pending', `Entry ${start + at} was altered before a checkpoint covered it.`, { seq: start + at })
    }
    end = Math.max(end, start + entries.length)
  }
  if (end !== tail.size) throw new IntegrityError('pending', `The list of pending entries ends at ${end}, not at ${tail.size}.`, { seq: Math.min(end, tail.size) })
}
