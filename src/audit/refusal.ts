import type { Clock } from '../core/component.ts'
import { DhtError } from '../core/errors.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import { IntegrityError, type IntegrityFault } from './scan.ts'
import { ReplacedError } from './storage/storage.ts'

interface Deps { readonly metrics: Metrics['audit'], readonly log: Logger, readonly now: Clock }

/** A disk that takes longer for a write is not one to wait for. */
const STALL_MS = 5000

/** Whether the log takes entries, and why it does not. */
export class Refusal {
  readonly #deps: Deps
  #reason: string | undefined = 'the audit log is being verified'
  #isFinal = false
  #since: number | undefined

  constructor (deps: Deps) {
    this.#deps = deps
  }

  /** Undefined while entries are taken; else the end of a sentence. */
  get reason (): string | undefined {
    return this.#reason ?? (this.isStalled ? 'the audit log takes no entries: the disk does not answer' : undefined)
  }

  /** Whether a write is under way that should have ended long ago. What waits for it is neither taken nor refused. */
  get isStalled (): boolean { return this.#since !== undefined && this.#deps.now() - this.#since > STALL_MS }
  /** False when what went wrong may pass, as a full disk does. */
  get isFinal (): boolean { return this.#isFinal }

  /** A log that is not as it was left stays refused; so does one that could not be opened, for which `isFinal` is given. */
  refuse (err: unknown, { isFinal = false }: { readonly isFinal?: boolean } = {}): void {
    const { metrics, log } = this.#deps
    const fault: IntegrityFault | undefined = err instanceof IntegrityError ? err.fault : err instanceof ReplacedError ? 'replaced' : undefined
    if (fault !== undefined) metrics.integrityFailed.inc({ reason: fault })
    else metrics.refused.inc({ reason: 'disk' })
    log.error({ event: 'audit_refuses_writes', err, fault }, 'audit log: writes are refused')
    if (this.#isFinal) return // the first reason is the one to look into
    this.#isFinal = fault !== undefined || isFinal
    this.#reason = `the audit log takes no entries: ${(err as Error).message.replace(/\.$/, '')}`
  }

  async whileWriting (work: () => Promise<void>): Promise<void> {
    this.#since = this.#deps.now()
    try {
      await work()
    } finally {
      this.#since = undefined
    }
  }

  end (reason: string): void {
    this.#reason = reason
    this.#isFinal = true
  }

  /** Entries are taken again, unless the refusal is final. */
  clear (): void {
    if (!this.#isFinal) this.#reason = undefined
  }

  toError (): DhtError {
    return new DhtError('DegradedAudit', `No change can be made: ${this.reason ?? 'the audit log is closed'}.`, {
      hint: 'Lookups go on. See `ronctl audit head` and the daemon\'s log.', retryAfterMs: 5000,
    })
  }
}
