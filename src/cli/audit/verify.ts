import { CheckpointError, openCheckpoint, type Opened } from '../../audit/format/checkpoint.ts'
import { formatVerifierKey, type VerifierKey } from '../../audit/format/note.ts'
import { equal } from '../../audit/format/tree.ts'
import { IntegrityError, scan } from '../../audit/scan.ts'

/** What whoever verifies knows from elsewhere. Without a trusted key there is nothing to verify. */
export interface Expectation {
  readonly trusted: readonly VerifierKey[]
  readonly origin: string
  readonly minSize: number
  readonly maxAgeMs: number | undefined
  readonly nowMs: number
}

/** What `ronctl audit verify --json` prints. */
export type Verdict =
  | { readonly valid: true, readonly origin: string, readonly size: number, readonly root: string, readonly signed_by: readonly string[], readonly signed_at?: string }
  | { readonly valid: false, readonly fault: string, readonly message: string, readonly seq?: number }

type ReadFile = (path: string) => Promise<Uint8Array | undefined>

/** Reads the whole log and says whether it is what its checkpoint, and whoever verifies it, say it is. */
export async function verifyLog (readFile: ReadFile, expectation: Expectation): Promise<Verdict> {
  try {
    const bytes = await readFile('checkpoint')
    if (bytes === undefined) throw new IntegrityError('missing', 'There is no checkpoint.')
    const opened = openCheckpoint(bytes, expectation.origin, expectation.trusted)
    checkAge(opened, expectation)
    const tail = await scan(opened.size, readFile)
    if (!equal(tail.root(), opened.root)) throw new IntegrityError('root', `The entries do not have the root that the checkpoint signs for size ${opened.size}.`)
    return {
      valid: true,
      origin: opened.origin,
      size: opened.size,
      root: Buffer.from(opened.root).toString('hex'),
      signed_by: opened.signedBy.map(formatVerifierKey),
      ...(opened.signedAtMs !== undefined && { signed_at: new Date(opened.signedAtMs).toISOString() }),
    }
  } catch (err) {
    if (err instanceof CheckpointError) return { valid: false, fault: err.fault, message: err.message }
    if (err instanceof IntegrityError) return { valid: false, fault: err.fault, message: err.message, ...(err.seq !== undefined && { seq: err.seq }) }
    throw err
  }
}

/** A checkpoint whose time nobody signed is not a young one. */
function checkAge ({ size, signedAtMs }: Opened, { minSize, maxAgeMs, nowMs }: Expectation): void {
  if (size < minSize) throw new IntegrityError('shorter', `The log has ${size} entries; at least ${minSize} were expected.`)
  if (maxAgeMs === undefined) return
  if (signedAtMs === undefined) throw new IntegrityError('stale', 'No trusted key signed when the checkpoint was made: trust the log\'s ML-DSA key too.')
  if (nowMs - signedAtMs > maxAgeMs) throw new IntegrityError('stale', `The checkpoint was signed at ${new Date(signedAtMs).toISOString()}, longer ago than allowed.`)
}
