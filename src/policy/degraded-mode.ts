import type { ActionLog } from '../core/control-action.ts'
import type { WriteBarrier } from './write-gate.ts'

/** Degraded mode as it was switched on. */
export interface Degradation {
  readonly reason: string
  readonly actor: string
  /** Milliseconds since 1970-01-01 UTC. */
  readonly since: number
}

/** Where the mode outlasts the daemon. */
export interface DegradationStore {
  /** @throws {DhtError} StoreUnavailable when it cannot be told: then nobody may assume that it is off */
  load (): Promise<Degradation | undefined>
  save (degradation: Degradation | undefined): Promise<void>
}

interface Deps {
  readonly store: DegradationStore
  readonly actions: ActionLog
}

/** Who switches the mode, and why. */
export interface Switch {
  readonly reason: string
  readonly actor: string
  readonly capabilityId?: string | undefined
  readonly opId: string
}

/** Writes are refused and reads go on, from when an operator says so until one takes it back; also across restarts. */
export class DegradedMode implements WriteBarrier {
  readonly kind = 'degraded'
  readonly #deps: Deps
  #current: Degradation | undefined
  /** One switch at a time: the log, the file and the mode agree. */
  #switching: Promise<unknown> = Promise.resolve()

  constructor (deps: Deps) {
    this.#deps = deps
  }

  async start (): Promise<void> { this.#current = await this.#deps.store.load() }
  async stop (): Promise<void> { await this.#switching.catch(() => {}) } // whoever asked for the switch was told

  get current (): Degradation | undefined { return this.#current }

  /**
   * Recorded, kept, then in force; switched off in the same order. Switching to what is, changes nothing and is not recorded.
   * @throws {DhtError} DegradedAudit when the log takes no entry, StoreUnavailable when the disk does not: the mode stays as it was
   */
  async turn (on: boolean, by: Switch): Promise<Degradation | undefined> {
    const turned = this.#switching.catch(() => {}).then(async () => await this.#turn(on, by))
    this.#switching = turned
    return await turned
  }

  /** The operator's words. */
  reason (): string | undefined { return this.#current?.reason }

  async #turn (on: boolean, { reason, actor, capabilityId, opId }: Switch): Promise<Degradation | undefined> {
    if (on === (this.#current !== undefined)) return this.#current
    const { ts } = await this.#deps.actions.record({
      actor, ...(capabilityId !== undefined && { capabilityId }), action: `degraded.${on ? 'on' : 'off'}`, reason, opId, event: { degraded: on },
    })
    const next = on ? { reason, actor, since: ts } : undefined
    await this.#deps.store.save(next)
    this.#current = next
    return next
  }
}
