import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { JournalError } from './journal.ts'
import type { JournalAnswer, JournalRequest } from './server.ts'

/** Whom the journal asks, and who may take the time that a disk takes. */
export interface JournalThread {
  /** Answers come in the order of the requests. */
  ask (request: JournalRequest): Promise<JournalAnswer>
  /** Ends it; nothing is asked any more. */
  end (): Promise<void>
  /** Ends it without waiting: it may hang in the kernel, from which nothing calls it back. */
  abandon (): void
}

/** Heap of the thread. It holds a batch or a chunk at a time. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 8 }

/** A worker thread that owns the file. */
export class WorkerThread implements JournalThread {
  readonly #worker: Worker
  /** Requests not answered yet, in order. Bounded by the calls that the store has under way: a few. */
  readonly #waiting: Array<PromiseWithResolvers<JournalAnswer>> = []
  #end: JournalError | undefined

  constructor (file: string) {
    // `worker.ts` in a checkout, `worker.js` in the published package.
    this.#worker = new Worker(new URL(`./worker${extname(import.meta.filename)}`, import.meta.url), { workerData: file, resourceLimits: RESOURCE_LIMITS })
    this.#worker.on('message', (answer: JournalAnswer) => this.#waiting.shift()?.resolve(answer))
    this.#worker.on('error', err => this.#ended(err))
    this.#worker.on('exit', () => this.#ended())
  }

  async ask (request: JournalRequest): Promise<JournalAnswer> {
    if (this.#end !== undefined) throw this.#end
    const answer = Promise.withResolvers<JournalAnswer>()
    this.#waiting.push(answer)
    this.#worker.postMessage(request, request.kind === 'commit' ? [request.batch.buffer] : [])
    return await answer.promise
  }

  async end (): Promise<void> {
    await this.#worker.terminate()
  }

  abandon (): void {
    this.#ended(new Error('the disk did not answer in time'))
    this.#worker.unref()
    void this.#worker.terminate()
  }

  #ended (cause?: unknown): void {
    this.#end ??= new JournalError('io', 'the thread that writes provider records ended: it is started again', { cause })
    for (const answer of this.#waiting.splice(0)) answer.reject(this.#end)
  }
}
