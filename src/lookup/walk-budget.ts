import { DhtError } from '../core/errors.ts'
import { emptyTrace, type Walk } from '../core/peer.ts'
import type { Span } from '../core/span.ts'
import type { Metrics } from '../observability/metrics.ts'

export type LookupKind = 'providers' | 'peer' | 'closest' | 'value' | 'publish'

export interface WalkBudgetOptions {
  readonly deadlineMs: number
  readonly concurrent: number
}

/** Who asks for a walk. */
interface Asker {
  /** The walk ends with it: for walks that nobody else shares. */
  readonly signal?: AbortSignal
  readonly span?: Span | undefined
}

/** A walk that holds its place until it is disposed. */
export interface RunningWalk extends Walk, Disposable {
  /** True when the deadline ended the walk, not a caller. */
  readonly isOverdue: boolean
}

/** Walks cost RPCs and memory until they end: at most `concurrent` at once, each for at most `deadlineMs`. */
export class WalkBudget {
  #options: WalkBudgetOptions
  readonly #metrics: Metrics['lookup']
  #running = 0

  constructor (options: WalkBudgetOptions, metrics: Metrics['lookup']) {
    this.#options = options
    this.#metrics = metrics
  }

  /** Puts other bounds in force; walks under way keep their deadline. */
  apply (options: WalkBudgetOptions): void {
    this.#options = { deadlineMs: options.deadlineMs, concurrent: options.concurrent }
  }

  /**
   * Takes a place. The walk's signal aborts at the deadline, when the walk is disposed, and with the caller's if it has only one.
   * @throws {DhtError} Backpressure when all places are taken: refused now, rather than slow for everyone
   */
  begin (kind: LookupKind, { span: parent, signal: callerSignal }: Asker = {}): RunningWalk {
    if (this.#running >= this.#options.concurrent) {
      throw new DhtError('Backpressure', 'Too many lookups walk the network.', { retryAfterMs: 1000, reason: 'http_lookup' })
    }
    this.#running++
    this.#metrics.walking.inc()
    const stopTimer = this.#metrics.seconds.startTimer({ kind })
    const own = new AbortController()
    let isOverdue = false
    const deadline = setTimeout(() => {
      isOverdue = true
      own.abort()
    }, this.#options.deadlineMs)
    const trace = emptyTrace()
    const span = parent?.child('walk', { 'svc_dht.lookup.kind': kind })
    return {
      signal: callerSignal === undefined ? own.signal : AbortSignal.any([callerSignal, own.signal]),
      trace,
      span,
      get isOverdue () { return isOverdue },
      [Symbol.dispose]: () => {
        clearTimeout(deadline)
        own.abort()
        const seconds = stopTimer()
        if (span !== undefined) this.#metrics.exemplify({ kind }, seconds, span.traceId)
        this.#running--
        this.#metrics.walking.dec()
        this.#metrics.hops.observe({ kind }, trace.hops)
        this.#metrics.messages.observe({ kind }, trace.messages)
        span?.set({ 'svc_dht.walk.messages': trace.messages, 'svc_dht.walk.hops': trace.hops })
        span?.end(isOverdue ? 'deadline' : undefined)
      },
    }
  }
}
