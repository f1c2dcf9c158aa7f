import { randomUUID } from 'node:crypto'
import type { ActionLog } from '../core/control-action.ts'
import type { Logger } from '../observability/logger.ts'
import type { ActionName } from './event.ts'
import type { GovernanceReason } from './refusal.ts'

/** Refusals of one window that get an entry of their own; the rest share one that says how many there were. */
const EACH = 8
const WINDOW_MS = 60_000

/** One refused input, as far as it is known: what it says of itself was not verified. */
export interface Refusal {
  readonly action: ActionName
  readonly reason: GovernanceReason
  readonly message: string
  readonly capabilityId?: string | undefined
  readonly claimedActor?: string | undefined
  readonly proposalId?: string | undefined
}

interface Deps {
  readonly actions: ActionLog
  readonly log: Logger
  /** Milliseconds that never jump. */
  readonly monotonic: () => number
}

/** Leaves refusals in the audit log, and lets no flood of them fill it: at most nine entries a minute. */
export class RefusalLog {
  readonly #deps: Deps
  #windowEndsAt = Number.NEGATIVE_INFINITY
  #told = 0
  /** Bounded by the reasons there are. */
  #untold = new Map<GovernanceReason, number>()
  #writing: Promise<void> = Promise.resolve()

  constructor (deps: Deps) {
    this.#deps = deps
  }

  /** Never waits for the log: a refusal has no effect that would have to. */
  add (refusal: Refusal): void {
    this.flush()
    if (this.#told >= EACH) {
      this.#untold.set(refusal.reason, (this.#untold.get(refusal.reason) ?? 0) + 1)
      return
    }
    this.#told++
    const { action, reason, message, capabilityId, claimedActor, proposalId } = refusal
    this.#record(`${reason}: ${message}`.slice(0, 512), {
      ...(capabilityId !== undefined && { capabilityId }),
      ...(proposalId !== undefined && { proposalId }),
      event: { schema: 'svc-dht/governance/refusal/1', refused: action, reason, claimed_actor: claimedActor ?? null },
    })
  }

  /** Ends a window that is over, with an entry for what it left untold. */
  flush (isFinal = false): void {
    if (this.#deps.monotonic() < this.#windowEndsAt && !isFinal) return
    if (this.#untold.size > 0) {
      const counts = Object.fromEntries(this.#untold)
      const total = [...this.#untold.values()].reduce((sum, count) => sum + count, 0)
      this.#record(`${total} more inputs were refused`, { event: { schema: 'svc-dht/governance/refusals/1', counts } })
    }
    this.#untold = new Map()
    this.#told = 0
    this.#windowEndsAt = this.#deps.monotonic() + WINDOW_MS
  }

  /** Resolves once what was handed over is in the log, or was not taken. */
  async settled (): Promise<void> {
    await this.#writing
  }

  #record (reason: string, rest: { readonly capabilityId?: string, readonly proposalId?: string, readonly event: Readonly<Record<string, unknown>> }): void {
    const { actions, log } = this.#deps
    const opId = `governance.refuse:${randomUUID()}`
    const recorded = actions.record({ actor: 'daemon', action: 'governance.refuse', reason, opId, ...rest })
      .catch((err: unknown) => log.warn({ event: 'refusal_not_recorded', err }, 'a refusal could not be kept in the audit log')) // the log tells of itself
    this.#writing = Promise.all([this.#writing, recorded]).then(() => {})
  }
}
