import type { Component } from '../../core/component.ts'
import type { Logger } from '../../observability/logger.ts'
import type { Policy } from '../format/policy.ts'
import type { Witnesses } from './witnesses.ts'

interface Deps {
  /** The policy as its file has it now. Throws what is wrong with it. */
  readonly read: () => Policy
  readonly witnessesOf: (policy: Policy) => Witnesses
  readonly logger: Logger
}

/** The witnesses of a policy file, which may be another one while the log is in use. */
export class WitnessPolicy implements Component {
  readonly #deps: Deps
  #witnesses: Witnesses
  /** Starts, changes and the stop, one after the other. */
  #changing: Promise<void> = Promise.resolve()
  #isStopped = false

  /** @throws what is wrong with the policy */
  constructor (deps: Deps) {
    this.#deps = deps
    this.#witnesses = deps.witnessesOf(deps.read())
  }

  async start (): Promise<void> { await this.#change(async () => await this.#witnesses.start()) }

  async stop (): Promise<void> {
    this.#isStopped = true
    await this.#change(async () => await this.#witnesses.stop())
  }

  /** Reads the file again. Its witnesses are asked from now on, and those before no more. False when it is no good: then those before stay. */
  reload (): boolean {
    try {
      const next = this.#deps.witnessesOf(this.#deps.read())
      void this.#change(async () => {
        if (this.#isStopped) return
        await this.#witnesses.stop()
        this.#witnesses = next
        await next.start()
      })
    } catch (err) {
      const { mistakes = [(err as Error).message] } = err as { readonly mistakes?: readonly string[] }
      this.#deps.logger.error({ event: 'witness_policy_refused', mistakes }, 'the new trust policy cannot be used: the one in force stays')
      return false
    }
    this.#deps.logger.info({ event: 'witness_policy_reloaded' }, 'trust policy reloaded')
    return true
  }

  async #change (work: () => Promise<void>): Promise<void> {
    this.#changing = this.#changing.then(work)
    await this.#changing
  }
}
