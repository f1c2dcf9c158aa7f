import { DhtError, type ErrorCode, type RejectReason } from '../core/errors.ts'
import type { Admission } from './load-monitor.ts'
import type { WorkKind } from './load-shedding.ts'

/**
 * Who may stop writes: an operator (`degraded`), the governed state (`frozen`), an audit log that takes no entries (`audit`), a
 * governed state that cannot be trusted (`untrusted`).
 */
export type WriteStop = 'degraded' | 'frozen' | 'audit' | 'untrusted'

export interface WriteBarrier {
  readonly kind: WriteStop
  /** Why writes are refused, in a sentence; undefined while they are not. Asked at every write. */
  reason (): string | undefined
}

interface Refusal {
  readonly code: ErrorCode
  readonly reason: RejectReason
  readonly retryAfterMs: number
}

const REFUSALS: Readonly<Record<WriteStop, Refusal>> = {
  degraded: { code: 'NotReady', reason: 'degraded', retryAfterMs: 30_000 },
  frozen: { code: 'NotReady', reason: 'frozen', retryAfterMs: 30_000 },
  audit: { code: 'DegradedAudit', reason: 'audit', retryAfterMs: 5000 },
  untrusted: { code: 'NotReady', reason: 'gov_restricted', retryAfterMs: 30_000 },
}

/** The one place that every surface asks before a write. Reads never ask. */
export class WriteGate {
  readonly #barriers: readonly WriteBarrier[]
  constructor (barriers: readonly WriteBarrier[]) {
    this.#barriers = barriers
  }

  /** Everything that stops writes now. */
  get stops (): ReadonlyArray<{ readonly kind: WriteStop, readonly reason: string }> {
    return this.#barriers.flatMap(barrier => {
      const reason = barrier.reason()
      return reason === undefined ? [] : [{ kind: barrier.kind, reason }]
    })
  }

  /** @throws {DhtError} NotReady or DegradedAudit, with the first barrier that is down */
  assertOpen (): void {
    for (const barrier of this.#barriers) {
      const reason = barrier.reason()
      if (reason === undefined) continue
      const { code, ...options } = REFUSALS[barrier.kind]
      throw new DhtError(code, `Writes are refused: ${reason}`, options)
    }
  }
}

/** Admission that also asks the gate, for announcements and values. */
export class WritableAdmission implements Admission {
  readonly #load: Admission
  readonly #writes: Pick<WriteGate, 'assertOpen'>

  constructor (load: Admission, writes: Pick<WriteGate, 'assertOpen'>) {
    this.#load = load
    this.#writes = writes
  }

  admit (kind: WorkKind): void {
    this.#load.admit(kind)
    if (kind === 'provide') this.#writes.assertOpen()
  }
}
