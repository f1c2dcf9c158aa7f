import type { Checkpoint } from '../format/checkpoint.ts'
import type { VerifierKey } from '../format/note.ts'
import { MAX_ANSWER_BYTES, readAnswer, refused, type Answer } from './add-checkpoint.ts'

/** Where a witness takes checkpoints. */
export interface Endpoint {
  /** The submission prefix, without a slash at its end. */
  readonly url: string
  /** By which its cosignatures are known. */
  readonly keys: readonly VerifierKey[]
}

interface Limits { readonly timeoutMs: number, readonly signal: AbortSignal }

/** One request to a witness. Never throws: what goes wrong is an answer too. */
export async function addCheckpoint ({ url, keys }: Endpoint, request: string, checkpoint: Checkpoint, { timeoutMs, signal }: Limits): Promise<Answer> {
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(`${url}/add-checkpoint`, {
      method: 'POST',
      body: request,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      redirect: 'manual', // another address is another witness, which nobody chose
      signal: AbortSignal.any([timeout, signal]),
    })
    const body = await readBody(response)
    if (body === undefined) return refused('malformed', `its answer has more than ${MAX_ANSWER_BYTES} bytes`)
    return readAnswer({ status: response.status, contentType: response.headers.get('content-type'), body }, checkpoint, keys)
  } catch (err) {
    if (timeout.aborted) return refused('timeout', `it did not answer within ${timeoutMs} ms`)
    return refused('unreachable', `it cannot be reached: ${reasonOf(err)}`)
  }
}

/** Undefined for a body over the limit; the connection is closed then. */
async function readBody ({ body }: Response): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [] // bounded by MAX_ANSWER_BYTES
  let sizeBytes = 0
  for await (const chunk of body ?? []) {
    sizeBytes += chunk.byteLength
    if (sizeBytes > MAX_ANSWER_BYTES) return undefined // leaving the loop cancels the body
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function reasonOf (err: unknown): string {
  const { cause, message } = err as Error
  return cause instanceof Error ? (cause as NodeJS.ErrnoException).code ?? cause.message : message
}
