import { CheckpointError, openCheckpoint, parseCheckpoint, verifySignatures, type Opened, type TreeHead } from '../../audit/format/checkpoint.ts'
import type { Entry } from '../../audit/format/entry.ts'
import { formatVerifierKey, keyId, type VerifierKey } from '../../audit/format/note.ts'
import { isQuorum, quorumWitnesses, type Policy } from '../../audit/format/policy.ts'
import { KeyTrail, type Followed } from '../../audit/format/rotation.ts'
import { tileReader } from '../../audit/format/tile.ts'
import { consistencyProof, equal, isConsistent, type Hash } from '../../audit/format/tree.ts'
import { IntegrityError, scan, scanKept } from '../../audit/scan.ts'

/** A log that nobody we know has signed is read up to here, to find whether they gave way to others. */
const MAX_UNSIGNED_ENTRIES = 100_000_000

/** How far apart two clocks may be. A checkpoint from further ahead would pass for a young one until its time has come. */
const MAX_CLOCK_SKEW_MS = 5 * 60_000

/** What whoever verifies knows from elsewhere. Without a trusted key there is nothing to verify. */
export interface Expectation {
  readonly trusted: readonly VerifierKey[]
  readonly origin: string
  readonly minSize: number
  readonly maxAgeMs: number | undefined
  readonly nowMs: number
  /** Whose witnesses must have cosigned the checkpoint. */
  readonly policy?: Policy | undefined
  /** The head of this log as it was once: what is there now must go on from it. */
  readonly kept?: TreeHead | undefined
  /** Called with each entry, in order; that the log is whole is known only at its end. */
  readonly onEntry?: (entry: Entry) => void
}

/** Witnesses of the policy, by their names there. */
interface Witnessed { readonly cosigned: readonly string[], readonly missing: readonly string[] }

/** An entry by which the trusted keys gave way to others. */
interface Rotated { readonly seq: number, readonly to: readonly string[] }

/** What `ronctl audit verify --json` prints. */
export type Verdict =
  | { readonly valid: true, readonly origin: string, readonly size: number, readonly root: string, /** The first entry that is still there, when older ones were let go. */ readonly from?: number, /** How many entries the kept checkpoint has, which this log goes on from. */ readonly continues?: number, readonly signed_by: readonly string[], readonly signed_at?: string, readonly witnesses?: Witnessed, readonly rotations?: readonly Rotated[] }
  | { readonly valid: false, readonly fault: string, readonly message: string, readonly seq?: number, readonly witnesses?: Witnessed }

type ReadFile = (path: string) => Promise<Uint8Array | undefined>

/** Reads the whole log and says whether it is what its checkpoint, and whoever verifies it, say it is. */
export async function verifyLog (readFile: ReadFile, expectation: Expectation): Promise<Verdict> {
  try {
    const bytes = await readFile('checkpoint')
    if (bytes === undefined) throw new IntegrityError('missing', 'There is no checkpoint.')
    const { root, opened, followed, minimum } = await readLog(bytes, readFile, expectation)
    if (!equal(root, opened.root)) throw new IntegrityError('root', `The entries do not have the root that the checkpoint signs for size ${opened.size}.`)
    if (expectation.kept !== undefined) await checkContinues(opened, expectation.kept, readFile)
    const { isMet = true, witnesses } = expectation.policy === undefined ? {} : judgeWitnesses(opened, expectation.policy)
    if (!isMet) return { valid: false, fault: 'quorum', message: `The checkpoint of ${opened.size} entries has no quorum of witnesses: not cosigned by ${witnesses?.missing.join(', ')}.`, ...(witnesses !== undefined && { witnesses }) }
    return {
      valid: true,
      origin: opened.origin,
      size: opened.size,
      root: Buffer.from(opened.root).toString('hex'),
      ...(minimum > 0 && { from: minimum }),
      ...(expectation.kept !== undefined && { continues: expectation.kept.size }),
      signed_by: opened.signedBy.map(formatVerifierKey),
      ...(opened.signedAtMs !== undefined && { signed_at: new Date(opened.signedAtMs).toISOString() }),
      ...(witnesses !== undefined && { witnesses }),
      ...(followed.length > 0 && { rotations: followed.map(({ seq, to }) => ({ seq, to: to.map(formatVerifierKey) })) }),
    }
  } catch (err) {
    if (err instanceof CheckpointError) return { valid: false, fault: err.fault, message: err.message }
    if (err instanceof IntegrityError) return { valid: false, fault: err.fault, message: err.message, ...(err.seq !== undefined && { seq: err.seq }) }
    throw err
  }
}

/** How often a log is read that changes while it is read. */
const MAX_READS = 5

/**
 * As {@link verifyLog}, for a log that may be in use: its keeper replaces partial tiles and lets entries go. A file that is missing
 * while there is a new checkpoint is no fault yet: then the log is read again.
 */
export async function verifyLogInUse (readFile: ReadFile, expectation: Expectation): Promise<Verdict> {
  for (let reads = 1; ; reads++) {
    let checkpoint: Uint8Array | undefined
    const verdict = await verifyLog(async path => {
      const bytes = await readFile(path)
      if (path === 'checkpoint') checkpoint = bytes
      return bytes
    }, expectation)
    if (verdict.valid || verdict.fault !== 'missing' || reads === MAX_READS) return verdict
    const now = await readFile('checkpoint')
    if (checkpoint === undefined || now === undefined || equal(checkpoint, now)) return verdict
  }
}

/** Reads the log by the keys that are trusted; when they did not sign its checkpoint, by those that they gave way to. */
async function readLog (bytes: Uint8Array, readFile: ReadFile, expectation: Expectation): Promise<{ readonly root: Hash, readonly opened: Opened, readonly followed: readonly Followed[], readonly minimum: number }> {
  const open = (keys: readonly VerifierKey[]): Opened => {
    const opened = openCheckpoint(bytes, expectation.origin, keys)
    checkAge(opened, expectation)
    return opened
  }
  const { origin, size, signatures } = parseCheckpoint(bytes)
  const isKnown = expectation.trusted.some(key => signatures.some(line => line.name === key.name && line.keyId === keyId(key)))
  if (isKnown || origin !== expectation.origin) {
    const opened = open(expectation.trusted)
    const { onEntry } = expectation
    // Whoever wants the entries wants all of them: then none may have been let go.
    const { tail, minimum } = onEntry === undefined ? await scanKept(size, readFile) : { tail: await scan(size, readFile, ({ entry }) => onEntry(entry)), minimum: 0 }
    return { opened, root: tail.root(), followed: [], minimum }
  }
  if (size > MAX_UNSIGNED_ENTRIES) throw new CheckpointError('signature', 'The checkpoint has no signature by a trusted key, and names too many entries to find out who took over from it.')
  const trail = new KeyTrail(origin, expectation.trusted)
  const root = (await scan(size, readFile, ({ entry, bytes }) => {
    trail.add(entry, bytes)
    expectation.onEntry?.(entry)
  })).root()
  return { root, opened: open(trail.keys), followed: trail.followed, minimum: 0 }
}

/** That the kept head is a beginning of this log: by the tiles, whose hashes lead to both roots or to neither. */
async function checkContinues ({ origin, size, root }: TreeHead, kept: TreeHead, readFile: ReadFile): Promise<void> {
  if (kept.origin !== origin) throw new IntegrityError('origin', `The kept checkpoint is of the log ${JSON.stringify(kept.origin)}, not of ${JSON.stringify(origin)}.`)
  if (kept.size > size) throw new IntegrityError('shorter', `The log has ${size} entries; the kept checkpoint has ${kept.size}.`)
  let isGone = false
  const proof = await consistencyProof(kept.size, size, tileReader(size, async path => {
    const bytes = await readFile(path)
    isGone ||= bytes === undefined
    return bytes
  })).catch(cause => {
    throw new IntegrityError(isGone ? 'missing' : 'tile', `The tiles do not lead from the kept checkpoint of ${kept.size} entries to this one.`, { cause })
  })
  if (!isConsistent(kept.size, kept.root, size, root, proof)) throw new IntegrityError('fork', `The log does not go on from the kept checkpoint of ${kept.size} entries: it is another history.`)
}

/** Which witnesses cosigned, and which of the quorum did not. @throws {CheckpointError} for a line of a witness that is wrong */
function judgeWitnesses (opened: Opened, policy: Policy): { readonly isMet: boolean, readonly witnesses: Witnessed } {
  const cosigned = new Set(policy.witnesses.filter(({ key }) => verifySignatures(opened, opened.signatures, [key]).some(({ timeMs = 0 }) => timeMs > 0)))
  const missing = quorumWitnesses(policy).filter(witness => !cosigned.has(witness))
  return { isMet: isQuorum(policy, cosigned), witnesses: { cosigned: [...cosigned].map(({ name }) => name), missing: missing.map(({ name }) => name) } }
}

/** A checkpoint whose time nobody signed is not a young one. */
function checkAge ({ size, signedAtMs }: Opened, { minSize, maxAgeMs, nowMs }: Expectation): void {
  if (size < minSize) throw new IntegrityError('shorter', `The log has ${size} entries; at least ${minSize} were expected.`)
  if (maxAgeMs === undefined) return
  if (signedAtMs === undefined) throw new IntegrityError('stale', 'No trusted key signed when the checkpoint was made: trust the log\'s ML-DSA key too.')
  if (signedAtMs - nowMs > MAX_CLOCK_SKEW_MS) throw new IntegrityError('stale', `The checkpoint says that it was signed at ${new Date(signedAtMs).toISOString()}, which is yet to come: its age cannot be told.`)
  if (nowMs - signedAtMs > maxAgeMs) throw new IntegrityError('stale', `The checkpoint was signed at ${new Date(signedAtMs).toISOString()}, longer ago than allowed.`)
}
