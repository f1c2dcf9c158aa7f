import { formatLine, fromBase64, formatSignatureLine, isSignature, keyId, parseNote, type SignatureLine, type VerifierKey } from './note.ts'
import { HASH_BYTES, type Hash } from './tree.ts'

// c2sp.org/tlog-checkpoint and c2sp.org/tlog-cosignature: the signed head of the tree.

/** The head of a tree. */
export interface TreeHead {
  readonly origin: string
  readonly size: number
  readonly root: Hash
}

export interface Checkpoint extends TreeHead {
  /** The text that is signed. */
  readonly text: string
  readonly signatures: readonly SignatureLine[]
}

/** What a Date can hold: a time beyond it is none. */
const MAX_TIME_SECONDS = 8_640_000_000_000n

/** A key that signs heads of this log; kept in custody. The message is the whole of what is signed. */
export interface NoteSigner {
  readonly name: string
  readonly type: 0x01 | 0x06
  readonly publicKey: Uint8Array
  sign (message: Uint8Array): Promise<Uint8Array> | Uint8Array
}

/** Why a checkpoint is not to be trusted. */
export type CheckpointFault = 'checkpoint' | 'origin' | 'signature'

/** A checkpoint that is not to be believed, and which of the reasons holds. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError'
  readonly fault: CheckpointFault
  constructor (fault: CheckpointFault, message: string, options: ErrorOptions = {}) {
    super(message, options)
    this.fault = fault
  }
}

function checkpointText ({ origin, size, root }: TreeHead): string {
  return `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`
}

/** The note that says this is the head, signed by every signer. `timeMs` is in the ML-DSA lines. */
export async function signCheckpoint (head: TreeHead, signers: readonly NoteSigner[], timeMs: number): Promise<string> {
  const text = checkpointText(head)
  const seconds = Math.floor(timeMs / 1000)
  const lines = await Promise.all(signers.map(async signer => {
    if (signer.type === 0x01) return formatSignatureLine(signer, await signer.sign(Buffer.from(text)))
    return formatSignatureLine(signer, Buffer.concat([uint64(seconds), await signer.sign(subtreeMessage(signer.name, seconds, head))]))
  }))
  return `${text}\n${lines.join('')}`
}

/** The note that was signed anew, with the lines of others below the note before, when both are of one text. */
export function keepCosignatures (note: Uint8Array, before: Uint8Array | undefined): Uint8Array {
  const [now, then] = [parseCheckpoint(note), before === undefined ? undefined : parseCheckpoint(before)]
  if (now.text !== then?.text) return note
  return Buffer.concat([note, ...then.signatures.filter(({ name }) => name !== now.origin).map(line => Buffer.from(formatLine(line)))])
}

/** @throws {CheckpointError} `checkpoint` for what is not one; nothing is said of its signatures */
export function parseCheckpoint (bytes: Uint8Array): Checkpoint {
  try {
    const { text, signatures } = parseNote(bytes)
    const [origin = '', size = '', base64 = '', ...rest] = text.split('\n')
    const root = fromBase64(base64)
    if (origin === '' || !/^(0|[1-9]\d{0,15})$/.test(size) || !Number.isSafeInteger(Number(size)) || root?.byteLength !== HASH_BYTES) throw new Error('its lines are not origin, size and root')
    if (rest.at(-1) !== '' || rest.slice(0, -1).includes('')) throw new Error('it has an empty line')
    return { origin, size: Number(size), root, text, signatures }
  } catch (cause) {
    throw new CheckpointError('checkpoint', `The checkpoint cannot be read: ${(cause as Error).message}.`, { cause })
  }
}

export interface Opened extends Checkpoint {
  readonly signedBy: readonly VerifierKey[]
  /** When it was signed by a key whose signature has a time, in milliseconds. */
  readonly signedAtMs: number | undefined
}

/**
 * The checkpoint, signed by one trusted key at least, and by none of them wrongly.
 * @throws {CheckpointError} by what is wrong with it
 */
export function openCheckpoint (bytes: Uint8Array, origin: string, trusted: readonly VerifierKey[]): Opened {
  const checkpoint = parseCheckpoint(bytes)
  if (checkpoint.origin !== origin) throw new CheckpointError('origin', `The checkpoint is of the log ${JSON.stringify(checkpoint.origin)}, not of ${JSON.stringify(origin)}.`)
  const signed = verifySignatures(checkpoint, checkpoint.signatures, trusted)
  if (signed.length === 0) throw new CheckpointError('signature', 'The checkpoint has no signature by a trusted key.')
  const times = signed.flatMap(({ timeMs }) => timeMs ?? [])
  return { ...checkpoint, signedBy: signed.map(({ key }) => key), signedAtMs: times.length > 0 ? Math.max(...times) : undefined }
}

/** The lines that known keys made. @throws {CheckpointError} `signature` when a line of a known key does not verify */
export function verifySignatures (checkpoint: Checkpoint, lines: readonly SignatureLine[], known: readonly VerifierKey[]): Array<{ readonly key: VerifierKey, readonly line: SignatureLine, readonly timeMs: number | undefined }> {
  return lines.flatMap(line => {
    const key = known.find(key => key.name === line.name && keyId(key) === line.keyId)
    if (key === undefined) return []
    const found = check(checkpoint, line.signature, key)
    if (found === undefined) throw new CheckpointError('signature', `A signature by ${key.name} on the checkpoint is wrong.`)
    return [{ key, line, timeMs: found.timeMs }]
  })
}

function check (checkpoint: Checkpoint, signature: Uint8Array, key: VerifierKey): { readonly timeMs: number | undefined } | undefined {
  if (key.type === 0x01) return isSignature(key, Buffer.from(checkpoint.text), signature) ? { timeMs: undefined } : undefined
  if (signature.byteLength <= 8) return undefined
  const time = Buffer.from(signature).readBigUInt64BE()
  if (time > MAX_TIME_SECONDS) return undefined
  const seconds = Number(time)
  const message = key.type === 0x04 ? Buffer.from(`cosignature/v1\ntime ${seconds}\n${checkpoint.text}`) : subtreeMessage(key.name, seconds, checkpoint)
  return isSignature(key, message, signature.subarray(8)) ? { timeMs: seconds * 1000 } : undefined
}

/** c2sp.org/tlog-cosignature, ML-DSA-44 signed message, for the whole tree. */
export function subtreeMessage (name: string, seconds: number, { origin, size, root }: TreeHead): Uint8Array {
  return Buffer.concat([Buffer.from('subtree/v1\n\0'), short(name), uint64(seconds), short(origin), uint64(0), uint64(size), root])
}

function short (text: string): Uint8Array {
  const bytes = Buffer.from(text)
  if (bytes.byteLength < 1 || bytes.byteLength > 255) throw new RangeError('a name of 1 to 255 bytes is needed')
  return Buffer.concat([Uint8Array.of(bytes.byteLength), bytes])
}

function uint64 (value: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}
