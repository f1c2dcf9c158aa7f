import type { Logger } from '../observability/logger.ts'
import { changedSections } from './in-force.ts'
import type { SectionName, Sections } from './state.ts'

/** The running parts, as governance steers them. */
export interface Effects {
  /** Puts these sections in force; of the others nothing is said. Told again in full after a failure. */
  apply (sections: Sections, changed: readonly SectionName[]): Promise<void>
}

/** What one change of sections does. Told of any of its sections, once. */
export interface Effect {
  readonly of: readonly SectionName[]
  apply (sections: Sections): void | Promise<void>
}

/** Effects side by side: one that fails keeps no other from taking place. */
export function effectsOf (effects: readonly Effect[]): Effects {
  return {
    apply: async (sections, changed) => {
      const failures: unknown[] = []
      for (const effect of effects.filter(({ of }) => of.some(section => changed.includes(section)))) {
        try {
          await effect.apply(sections)
        } catch (err) {
          failures.push(err)
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, failures.map(err => (err as Error).message).join('; '))
    },
  }
}

interface Deps {
  readonly effects: Effects
  readonly log: Logger
  /** Told when a change is in force, with the milliseconds since it was agreed. */
  readonly onInForce: (propagateMs: number) => void
  /** Milliseconds that never jump. */
  readonly monotonic: () => number
}

/** Keeps what is in force at what is wanted. Only the latest wish counts; one that failed is tried again by `retry`. */
export class EffectRunner {
  readonly #deps: Deps
  #inForce: Sections | undefined
  #wanted: Sections | undefined
  #wantedAt = 0
  #failure: string | undefined
  #running: Promise<void> = Promise.resolve()

  constructor (deps: Deps) {
    this.#deps = deps
  }

  get inForce (): Sections | undefined { return this.#inForce }

  /** Why what is agreed is not in force. */
  get failure (): string | undefined { return this.#failure }

  /** How long the oldest change that is not in force has waited. */
  get pendingMs (): number { return this.#wanted === undefined ? 0 : this.#deps.monotonic() - this.#wantedAt }

  /** Resolves after an attempt. Never rejects: what failed is told by `failure`. */
  async want (sections: Sections): Promise<void> {
    if (this.#wanted === undefined) {
      if (changedSections(this.#inForce, sections).length === 0) return
      this.#wantedAt = this.#deps.monotonic()
    }
    this.#wanted = sections
    await this.retry()
  }

  /** Believes nothing to be in force. */
  forget (): void { this.#inForce = undefined }

  async retry (): Promise<void> {
    this.#running = this.#running.then(async () => await this.#attempt())
    await this.#running
  }

  async #attempt (): Promise<void> {
    const wanted = this.#wanted
    if (wanted === undefined) return
    const { effects, log, monotonic, onInForce } = this.#deps
    // After a failure nobody knows which parts have taken the change.
    const changed = changedSections(this.#failure === undefined ? this.#inForce : undefined, wanted)
    try {
      if (changed.length > 0) await effects.apply(wanted, changed)
      this.#inForce = wanted
      this.#failure = undefined
      if (this.#wanted === wanted) this.#wanted = undefined
      if (changed.length > 0) onInForce(monotonic() - this.#wantedAt)
    } catch (err) {
      this.#failure = (err as Error).message
      log.error({ event: 'change_delayed', err, changed }, 'an agreed change could not be put in force, and is tried again')
    }
  }
}
