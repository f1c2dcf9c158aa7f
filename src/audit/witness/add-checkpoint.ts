import { CheckpointError, verifySignatures, type Checkpoint } from '../format/checkpoint.ts'
import { formatLine, formatSignatureLine, keyId, parseSignatureLines, type VerifierKey } from '../format/note.ts'
import type { Hash } from '../format/tree.ts'

// c2sp.org/tlog-witness, add-checkpoint: what is asked, and what an answer means.

/** A proof from any tree to any other is no longer. */
const MAX_PROOF = 63
/** Sixteen lines of ML-DSA-44, and room for others that nobody asked for. */
export const MAX_ANSWER_BYTES = 128 * 1024

/** One key's statement that it saw the checkpoint, verified. */
export interface Cosignature { readonly key: VerifierKey, readonly timeMs: number, readonly line: string }

/** Why a witness did not cosign; the label of a metric, so a closed set. */
export type Refusal =
  | 'bad_request' | 'forbidden' | 'unknown_log' | 'inconsistent' | 'redirected' | 'failed'
  | 'malformed' | 'bad_cosignature' | 'conflict' | 'ahead' | 'timeout' | 'unreachable' | 'no_proof'

export type Answer =
  | { readonly kind: 'cosigned', readonly cosignatures: readonly Cosignature[] }
  /** The witness has cosigned another size than the one that we said: this one. */
  | { readonly kind: 'conflict', readonly size: number }
  | { readonly kind: 'refused', readonly why: Refusal, readonly message: string }

/** c2sp.org/tlog-witness, the body of add-checkpoint. */
export function formatRequest (oldSize: number, proof: readonly Hash[], checkpoint: Checkpoint): string {
  if (proof.length > MAX_PROOF) throw new RangeError('no proof is as long')
  const hashes = proof.map(hash => `${Buffer.from(hash).toString('base64')}\n`)
  return `old ${oldSize}\n${hashes.join('')}\n${checkpoint.text}\n${ownLines(checkpoint)}`
}

/** The lines by the log itself. A witness needs no others. */
export function ownLines ({ origin, signatures }: Checkpoint): string {
  return signatures.filter(({ name }) => name === origin).map(formatLine).join('')
}

interface Received { readonly status: number, readonly contentType: string | null, readonly body: Uint8Array }

/** What a witness said, as far as it may be believed. `keys` are the witness's own. Never throws. */
export function readAnswer ({ status, contentType, body }: Received, checkpoint: Checkpoint, keys: readonly VerifierKey[]): Answer {
  switch (status) {
    case 200: return readCosignatures(body, checkpoint, keys)
    case 400: return refused('bad_request', 'it does not understand the request')
    case 403: return refused('forbidden', 'it does not know the keys that sign this log')
    case 404: return refused('unknown_log', 'it does not know this log')
    case 409: return readSize(body, contentType)
    case 422: return refused('inconsistent', 'what it saw before is not in this log: the log was altered, or forked')
    default: return status >= 300 && status < 400 ? refused('redirected', 'it names another address, which is not followed') : refused('failed', `it answered ${status}`)
  }
}

export function refused (why: Refusal, message: string): Answer {
  return { kind: 'refused', why, message }
}

function readSize (body: Uint8Array, contentType: string | null): Answer {
  const [, size] = /^(0|[1-9]\d{0,15})\n$/.exec(Buffer.from(body).toString('latin1')) ?? []
  const isSize = contentType?.split(';')[0]?.trim().toLowerCase() === 'text/x.tlog.size' && size !== undefined && Number.isSafeInteger(Number(size))
  return isSize ? { kind: 'conflict', size: Number(size) } : refused('malformed', 'it answered 409 without a size')
}

/** Lines of keys that are not its own are passed over; one of its own that does not verify spoils the answer. */
function readCosignatures (body: Uint8Array, checkpoint: Checkpoint, keys: readonly VerifierKey[]): Answer {
  try {
    const lines = parseSignatureLines(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body))
    const found = new Map<VerifierKey, Cosignature>()
    for (const { key, line, timeMs = 0 } of verifySignatures(checkpoint, lines, keys)) {
      if (timeMs === 0) return refused('bad_cosignature', 'its cosignature has no time') // tlog-witness: the timestamp MUST NOT be zero
      found.set(key, { key, timeMs, line: formatSignatureLine(key, line.signature) })
    }
    if (found.size === 0) return refused('bad_cosignature', 'none of its keys cosigned')
    return { kind: 'cosigned', cosignatures: [...found.values()] }
  } catch (err) {
    if (err instanceof CheckpointError) return refused('bad_cosignature', 'its cosignature does not verify for this checkpoint')
    return refused('malformed', 'it answered with something else than signature lines')
  }
}

/**
 * The checkpoint with these cosignatures behind the lines that it has; one of a key that is there already takes its place.
 * Undefined when the note is of another tree, or another time: cosignatures stand for one text only.
 */
export function withCosignatures (note: Uint8Array, text: string, cosignatures: readonly Cosignature[]): Uint8Array | undefined {
  const current = Buffer.from(note).toString('utf8')
  const [body, lines] = [current.slice(0, text.length), current.slice(text.length + 1)]
  if (body !== text || !text.endsWith('\n') || current[text.length] !== '\n') return undefined
  const isReplaced = (line: { readonly name: string, readonly keyId: number }): boolean => cosignatures.some(({ key }) => key.name === line.name && keyId(key) === line.keyId)
  const kept = parseSignatureLines(lines).filter(line => !isReplaced(line))
  return Buffer.from(`${text}\n${kept.map(formatLine).join('')}${cosignatures.map(({ line }) => line).join('')}`)
}
