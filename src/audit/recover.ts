import { CheckpointError, openCheckpoint } from './format/checkpoint.ts'
import { formatVerifierKey, parseVerifierKey, type VerifierKey } from './format/note.ts'
import { decodeBundle } from './format/tile.ts'
import { equal, leafHash } from './format/tree.ts'
import { checkEntry, IntegrityError, scan } from './scan.ts'
import type { LogStorage, Mark } from './storage/storage.ts'
import { Tail } from './tail.ts'

/** A log as it was left, verified. */
export interface Recovered {
  readonly tail: Tail
  /** What the checkpoint covers. */
  readonly published: number
  /** The checkpoint as it is, when there is one. */
  readonly checkpoint: Uint8Array | undefined
  /** Keys that signed for the log until now. */
  readonly keys: readonly VerifierKey[]
  /** The first entry that is published. */
  readonly minimum: number
  /** Bytes of an append that was never acknowledged and did not reach the disk whole. */
  readonly tornBytes: number
}

/** @throws {IntegrityError} when the log is not as it was left: shorter, altered, of another origin, or unreadable */
export async function recover (storage: LogStorage, origin: string, signers: readonly VerifierKey[]): Promise<Recovered> {
  const mark = await storage.readMark()
  const bytes = await storage.read('checkpoint')
  const pending = await storage.readPending()
  if (mark === undefined) {
    if (bytes !== undefined || pending.some(({ bytes }) => bytes.byteLength > 0)) throw new IntegrityError('unmarked', 'There is a log, but not the high-water mark that says how long it was.')
    return { tail: new Tail(), published: 0, checkpoint: undefined, keys: signers, minimum: 0, tornBytes: 0 }
  }
  if (mark.origin !== origin) throw new IntegrityError('origin', `The high-water mark is of the log ${JSON.stringify(mark.origin)}, not of ${JSON.stringify(origin)}.`)
  const keys = mark.keys.map(parseVerifierKey)
  const tail = bytes === undefined ? new Tail() : await readPublished(storage, bytes, origin, keys)
  const published = tail.size
  const marked: { root?: Uint8Array } = {}
  const note = (): void => { if (tail.size === mark.size) marked.root = tail.root() }
  note()
  let tornBytes = 0
  for (const { start, bytes } of pending) {
    const { entries, rest } = decodeBundle(bytes)
    if (start > tail.size) throw new IntegrityError('missing', `The entries from ${tail.size} to ${start} are missing.`, { seq: tail.size })
    for (const [at, entry] of entries.entries()) {
      if (start + at < tail.size) continue // the checkpoint covers it
      if (!follows(entry, tail, mark)) {
        tornBytes = entries.slice(at).reduce((sum, { byteLength }) => sum + 2 + byteLength, rest)
        break
      }
      tail.append(entry, leafHash(entry))
      note()
    }
    if (tornBytes === 0) tornBytes = rest
  }
  checkMark(tail, mark, marked.root, published)
  return { tail, published, checkpoint: bytes, keys, minimum: mark.minimum ?? 0, tornBytes }
}

async function readPublished (storage: LogStorage, bytes: Uint8Array, origin: string, keys: readonly VerifierKey[]): Promise<Tail> {
  try {
    const { size, root } = openCheckpoint(bytes, origin, keys)
    const tail = await scan(size, async path => await storage.read(path))
    if (!equal(tail.root(), root)) throw new IntegrityError('root', `The entries do not have the root that the checkpoint signs for size ${size}.`)
    return tail
  } catch (cause) {
    if (cause instanceof CheckpointError) throw new IntegrityError(cause.fault, cause.message, { cause })
    throw cause
  }
}

/** False for the first bytes of an append that was cut off: nobody was told that it is in the log. */
function follows (entry: Uint8Array, tail: Tail, mark: Mark): boolean {
  try {
    checkEntry(entry, tail.size, tail.prev, undefined)
    return true
  } catch (err) {
    if (tail.size < mark.size) throw err // it was acknowledged, so it was whole
    return false
  }
}

function checkMark (tail: Tail, mark: Mark, rootAtMark: Uint8Array | undefined, published: number): void {
  if (tail.size < mark.size) throw new IntegrityError('shorter', `The log has ${tail.size} entries; it had ${mark.size}.`, { seq: tail.size })
  if (rootAtMark === undefined) {
    // The checkpoint is ahead of the mark only when the process ended between the two.
    throw new IntegrityError('fork', `The checkpoint covers ${published} entries, more than the high-water mark's ${mark.size}.`)
  }
  if (Buffer.from(rootAtMark).toString('hex') !== mark.root) throw new IntegrityError('fork', `The log had another root at size ${mark.size}: it is another history.`)
}

/** The mark of a log that is as long as `tail`. */
export function toMark (tail: Tail, origin: string, keys: readonly VerifierKey[], minimum: number): Mark {
  return { ...(minimum > 0 && { minimum }), origin, size: tail.size, root: Buffer.from(tail.root()).toString('hex'), keys: keys.map(formatVerifierKey) }
}
