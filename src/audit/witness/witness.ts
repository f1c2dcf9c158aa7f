import { setTimeout as sleep } from 'node:timers/promises'
import { parseCheckpoint, verifySignatures, type Checkpoint } from '../format/checkpoint.ts'
import type { VerifierKey } from '../format/note.ts'
import { tileReader } from '../format/tile.ts'
import { consistencyProof, type Hash } from '../format/tree.ts'
import type { AuditLog } from '../log.ts'
import { formatRequest, ownLines, refused, withCosignatures, type Answer, type Cosignature, type Refusal } from './add-checkpoint.ts'
import { addCheckpoint, type Endpoint } from './client.ts'

/** The log, as far as its witnesses are concerned. */
export type WitnessedLog = Pick<AuditLog, 'head' | 'file' | 'onCheckpoint' | 'amendCheckpoint'>

export interface Pace {
  readonly timeoutMs: number
  /** After a first refusal; doubled by each that follows, up to the maximum. */
  readonly retryMinMs: number
  readonly retryMaxMs: number
}

export interface WitnessDeps {
  readonly log: WitnessedLog
  /** What the witness is known to have cosigned, by this answer or by an earlier one. */
  readonly onCosigned: (size: number, keys: readonly VerifierKey[]) => void
  readonly onAnswer: (outcome: 'cosigned' | Refusal, message: string) => void
}

/** How long a witness is left alone after so many refusals before this one. */
export function retryDelayMs ({ retryMinMs, retryMaxMs }: Pace, before: number): number {
  return Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(before, 30))
}

/** Asks one witness to cosign every checkpoint of the log, or the newest of them when it is slow. */
export class Witness {
  readonly #endpoint: Endpoint
  readonly #pace: Pace
  readonly #deps: WitnessDeps
  /** The tree that the witness has seen last, as far as we know. A wrong guess costs one request. */
  #known = 0
  /** The log's own signatures on what it has cosigned last: a log signs its head anew now and then, and wants a new time from its witnesses too. */
  #cosigned: string | undefined
  #news = Promise.withResolvers<void>()

  constructor (endpoint: Endpoint, pace: Pace, deps: WitnessDeps) {
    this.#endpoint = endpoint
    this.#pace = pace
    this.#deps = deps
  }

  /** There may be a new checkpoint. */
  wake (): void {
    this.#news.resolve()
    this.#news = Promise.withResolvers()
  }

  /** Until the signal, which `wake` must follow. Never throws. */
  async run (signal: AbortSignal): Promise<void> {
    let refusals = 0
    while (!signal.aborted) {
      const news = this.#news.promise // before the checkpoint is read: what comes meanwhile is not missed
      const refusal = await this.#submit(signal)
      if (signal.aborted) return
      if (refusal === undefined) {
        refusals = 0
        await news
      } else {
        this.#deps.onAnswer(refusal.why, refusal.message)
        await sleep(retryDelayMs(this.#pace, refusals++), undefined, { signal, ref: false }).catch(() => {}) // woken by stop
      }
    }
  }

  /** Undefined when the newest checkpoint is cosigned, or there is none to cosign. */
  async #submit (signal: AbortSignal): Promise<{ readonly why: Refusal, readonly message: string } | undefined> {
    try {
      const checkpoint = await this.#newest()
      if (checkpoint === undefined || this.#isCosigned(checkpoint)) return undefined
      const answer = await this.#ask(checkpoint, signal)
      if (answer.kind === 'refused') return answer
      if (answer.kind === 'conflict') return { why: 'conflict', message: `it says that it knows ${answer.size} entries, after it said something else` }
      await this.#keep(checkpoint, answer.cosignatures)
      return undefined
    } catch (err) {
      return { why: 'no_proof', message: (err as Error).message }
    }
  }

  async #ask (checkpoint: Checkpoint, signal: AbortSignal): Promise<Answer> {
    if (this.#known > checkpoint.size) this.#known = 0 // it tells us again
    const answer = await this.#request(checkpoint, this.#known, signal)
    if (answer.kind !== 'conflict') return answer
    if (answer.size === this.#known) return refused('malformed', 'it refuses the size that it says it knows')
    if (answer.size > checkpoint.size) {
      // Somebody else may have shown it a checkpoint that we have written since.
      if (answer.size > this.#deps.log.head().published) return refused('ahead', `it has cosigned ${answer.size} entries of this log, which has ${checkpoint.size}: the log was rolled back, or the witness errs`)
      return refused('conflict', 'it was shown a newer checkpoint meanwhile')
    }
    this.#known = answer.size
    return await this.#request(checkpoint, answer.size, signal)
  }

  async #request (checkpoint: Checkpoint, from: number, signal: AbortSignal): Promise<Answer> {
    return await addCheckpoint(this.#endpoint, formatRequest(from, await this.#proof(from, checkpoint.size), checkpoint), checkpoint, { timeoutMs: this.#pace.timeoutMs, signal })
  }

  async #proof (from: number, size: number): Promise<Hash[]> {
    return await consistencyProof(from, size, tileReader(size, async path => await this.#deps.log.file(path)))
  }

  async #newest (): Promise<Checkpoint | undefined> {
    const { log } = this.#deps
    if (log.head().refusal !== undefined) return undefined // a log that is not as it was left asks nobody to vouch for it
    const note = await log.file('checkpoint')
    return note === undefined ? undefined : parseCheckpoint(note)
  }

  /** By what we remember; at first, by the lines that the note has on disk. */
  #isCosigned (checkpoint: Checkpoint): boolean {
    if (this.#cosigned !== undefined) return this.#cosigned === ownLines(checkpoint)
    const found = verifySignatures(checkpoint, checkpoint.signatures, this.#endpoint.keys)
    if (found.length === 0) return false
    this.#note(checkpoint, found)
    return true
  }

  async #keep (checkpoint: Checkpoint, cosignatures: readonly Cosignature[]): Promise<void> {
    await this.#deps.log.amendCheckpoint(note => withCosignatures(note, checkpoint.text, cosignatures))
    this.#note(checkpoint, cosignatures)
    this.#deps.onAnswer('cosigned', '')
  }

  #note (checkpoint: Checkpoint, cosignatures: ReadonlyArray<{ readonly key: VerifierKey }>): void {
    this.#known = checkpoint.size
    this.#cosigned = ownLines(checkpoint)
    this.#deps.onCosigned(checkpoint.size, cosignatures.map(({ key }) => key))
  }
}
