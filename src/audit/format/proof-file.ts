import { leafHash, HASH_BYTES, rootFromInclusion, equal, type Hash } from './tree.ts'
import { openCheckpoint, type Opened } from './checkpoint.ts'
import { fromBase64, type VerifierKey } from './note.ts'

// c2sp.org/tlog-proof: that an entry is in the log, in one file that needs nothing else but trusted keys.

export interface ProofFile { readonly index: number, readonly proof: readonly Hash[], readonly checkpoint: Uint8Array }

const HEADER = 'c2sp.org/tlog-proof@v1'
const MAX_BYTES = 1024 * 1024

export function formatProofFile ({ index, proof, checkpoint }: ProofFile): string {
  return `${HEADER}\nindex ${index}\n${proof.map(hash => `${Buffer.from(hash).toString('base64')}\n`).join('')}\n${Buffer.from(checkpoint).toString('utf8')}`
}

/** @throws {Error} with a sentence */
export function parseProofFile (bytes: Uint8Array): ProofFile {
  const text = Buffer.from(bytes).toString('utf8')
  const end = text.indexOf('\n\n')
  if (bytes.byteLength > MAX_BYTES || end < 0) throw new Error('This is not a tlog-proof.')
  const [header, ...lines] = text.slice(0, end).split('\n')
  if (lines[0]?.startsWith('extra ')) lines.shift()
  const [, index] = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? '') ?? []
  const proof = lines.map(fromBase64)
  if (header !== HEADER || index === undefined || proof.length > 63 || !proof.every(hash => hash?.byteLength === HASH_BYTES)) throw new Error('This is not a tlog-proof.')
  return { index: Number(index), proof: proof.filter(hash => hash !== undefined), checkpoint: Buffer.from(text.slice(end + 2)) }
}

/** @throws {Error} with a sentence: what of the proof does not hold for the entry */
export function verifyProofFile ({ index, proof, checkpoint }: ProofFile, entry: Uint8Array, origin: string, trusted: readonly VerifierKey[]): Opened {
  const opened = openCheckpoint(checkpoint, origin, trusted)
  const root = rootFromInclusion(leafHash(entry), index, opened.size, proof)
  if (root === undefined || !equal(root, opened.root)) throw new Error('The proof does not lead from the entry to the root of the checkpoint.')
  return opened
}
