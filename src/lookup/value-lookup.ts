import { DhtError } from '../core/errors.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { ValuePort } from './answer.ts'
import type { ValuePlane } from './ports.ts'
import { WalkBudget, type RunningWalk, type WalkBudgetOptions } from './walk-budget.ts'

interface Deps {
  readonly plane: ValuePlane
  readonly metrics: Metrics['lookup']
}

interface Caller { readonly signal: AbortSignal }

/** Finds and publishes signed values within the deadline; its budget is its own, so lookups of providers cannot use it up. */
export class ValueLookup implements ValuePort {
  readonly #deps: Deps
  readonly #budget: WalkBudget

  constructor (options: WalkBudgetOptions, deps: Deps) {
    this.#deps = deps
    this.#budget = new WalkBudget(options, deps.metrics)
  }

  find (key: Uint8Array, { signal }: Caller): Promise<Uint8Array | undefined> {
    return this.#run('value', signal, walk => this.#deps.plane.findValue(key, walk))
  }

  publish (key: Uint8Array, value: Uint8Array, { signal }: Caller): Promise<{ readonly reached: number }> {
    return this.#run('publish', signal, walk => this.#deps.plane.publishValue(key, value, walk))
  }

  async #run<T> (kind: 'value' | 'publish', signal: AbortSignal, work: (walk: RunningWalk) => Promise<T>): Promise<T> {
    let outcome: 'complete' | 'empty' | 'deadline' | 'stopped' | 'error' | 'refused' = 'refused'
    try {
      using walk = this.#budget.begin(kind, signal)
      outcome = 'error'
      try {
        const result = await Promise.race([work(walk), rejectOnAbort(walk.signal)])
        outcome = result === undefined ? 'empty' : 'complete'
        return result
      } catch (err) {
        if (!walk.signal.aborted) throw err
        outcome = walk.isOverdue ? 'deadline' : 'stopped'
        throw new DhtError('Timeout', 'The network did not answer in time.', { cause: err })
      }
    } finally {
      this.#deps.metrics.lookups.inc({ kind, outcome })
    }
  }
}

/** A plane should heed the signal itself; this keeps one that does not from holding the caller. */
function rejectOnAbort (signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.throwIfAborted()
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
