import { DhtError } from '../core/errors.ts'
import type { Span } from '../core/span.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { ValuePort } from './answer.ts'
import type { ValuePlane } from './ports.ts'
import { SharedWalks, type Shareable } from './shared-walks.ts'
import { WalkBudget, type RunningWalk, type WalkBudgetOptions } from './walk-budget.ts'

interface Deps {
  readonly plane: ValuePlane
  readonly metrics: Metrics['lookup']
}

interface Caller {
  readonly signal: AbortSignal
  readonly span?: Span | undefined
}

/** A search for one value: its only item is the best one, or undefined. */
interface Search extends Shareable<Uint8Array | undefined> {
  readonly running: RunningWalk
}

/** What one caller waits for, and the walk that brings it. */
interface Attempt<T> {
  readonly running: RunningWalk
  readonly result: Promise<T>
}

/** Callers that one search serves; beyond them another begins. */
const CALLERS_PER_SEARCH = 1000

/**
 * Finds and publishes signed values within the deadline; its budget is its own, so lookups of providers cannot use it up. Who looks
 * for the same value at the same time shares one search, and what becomes of it.
 */
export class ValueLookup implements ValuePort {
  readonly #deps: Deps
  readonly #budget: WalkBudget
  readonly #searches = new SharedWalks<Search, Uint8Array | undefined>({ callers: CALLERS_PER_SEARCH, items: 1 })

  constructor (options: WalkBudgetOptions, deps: Deps) {
    this.#deps = deps
    this.#budget = new WalkBudget(options, deps.metrics)
  }

  /** Puts other bounds in force for the walks that begin from now on. */
  apply (bounds: WalkBudgetOptions): void {
    this.#budget.apply(bounds)
  }

  async find (key: Uint8Array, caller: Caller): Promise<Uint8Array | undefined> {
    return await this.#run('value', caller, (stack, span) => {
      const seat = stack.use(this.#searches.join(Buffer.from(key).toString('base64url'), () => this.#search(key, span), caller.signal))
      if (seat.isShared && seat.walk.running.span !== undefined) span?.link(seat.walk.running.span)
      return { running: seat.walk.running, result: first(seat.items) }
    })
  }

  async publish (key: Uint8Array, value: Uint8Array, caller: Caller): Promise<{ readonly reached: number }> {
    return await this.#run('publish', caller, (stack, span) => {
      const running = stack.use(this.#budget.begin('publish', { signal: caller.signal, span }))
      return { running, result: beforeItEnds(running, this.#deps.plane.publishValue(key, value, running)) }
    })
  }

  #search (key: Uint8Array, span: Span | undefined): Search {
    const { plane } = this.#deps
    const running = this.#budget.begin('value', { span })
    async function * items (): AsyncGenerator<Uint8Array | undefined> {
      yield await beforeItEnds(running, plane.findValue(key, running))
    }
    return { running, items: items(), [Symbol.dispose]: () => running[Symbol.dispose]() }
  }

  async #run<T> (kind: 'value' | 'publish', { signal, span: parent }: Caller, start: (stack: DisposableStack, span: Span | undefined) => Attempt<T>): Promise<T> {
    const span = parent?.child(`lookup ${kind}`, { 'svc_dht.lookup.kind': kind })
    let outcome: 'complete' | 'empty' | 'deadline' | 'stopped' | 'error' | 'refused' = 'refused'
    try {
      using stack = new DisposableStack()
      const { running, result } = start(stack, span)
      outcome = 'error'
      try {
        const value = await result
        outcome = value === undefined ? 'empty' : 'complete'
        return value
      } catch (err) {
        if (!running.isOverdue && !signal.aborted) throw err
        outcome = running.isOverdue ? 'deadline' : 'stopped'
        throw new DhtError('Timeout', 'The network did not answer in time.', { cause: err })
      }
    } finally {
      this.#deps.metrics.lookups.inc({ kind, outcome })
      span?.set({ 'svc_dht.lookup.outcome': outcome })
      span?.end(outcome === 'refused' || outcome === 'error' ? outcome : undefined)
    }
  }
}

/** The first item. Without one the caller has left: a search always ends with an item or a failure. */
async function first<T> (items: AsyncIterable<T>): Promise<T> {
  const { done, value } = await items[Symbol.asyncIterator]().next()
  if (done === true) throw new Error('the caller has left')
  return value
}

/** A plane should heed the signal itself; this keeps one that does not from holding the callers. */
async function beforeItEnds<T> ({ signal }: RunningWalk, work: Promise<T>): Promise<T> {
  return await Promise.race([work, new Promise<never>((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })])
}
