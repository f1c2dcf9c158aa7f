import type { Component } from '../core/component.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import { TILE_WIDTH } from './format/tile.ts'

interface Options {
  /** A pass over the whole log takes this long at least. */
  readonly passMs: number
  /** Part of the time that is worked; the rest is pause. */
  readonly share: number
}

interface Deps {
  readonly log: { head (): { readonly published: number }, verifyAgain (): AsyncGenerator<number, number | undefined> }
  readonly metrics: Metrics['audit']
  readonly logger: Logger
  readonly now: () => number
  /** Milliseconds of a clock that does not jump. */
  readonly elapsed: () => number
  /** Rejects when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
}

/** Verifies a log on disk again and again while it is in use, slowly: what is replaced there is found without a restart. */
export class LogPatrol implements Component {
  readonly name = 'audit-patrol'
  readonly #options: Options
  readonly #deps: Deps
  readonly #stopping = new AbortController()
  #loop = Promise.resolve()

  constructor (options: Options, deps: Deps) {
    this.#options = options
    this.#deps = deps
  }

  async start (): Promise<void> { this.#loop = this.#run(this.#stopping.signal) }

  async stop (): Promise<void> {
    this.#stopping.abort()
    await this.#loop // the log may close only after the last turn
  }

  async #run (signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#pass(signal).catch(err => this.#deps.logger.warn({ event: 'audit_patrol_failed', err }, 'audit log: it could not be read to verify it again; the next pass tries'))
    }
  }

  async #pass (signal: AbortSignal): Promise<void> {
    const { log, metrics, elapsed, now } = this.#deps
    const turns = log.verifyAgain()
    for (let workedMs = 0; ;) {
      await this.#pause(workedMs, signal)
      if (signal.aborted) return
      const startedAt = elapsed()
      const { done, value } = await turns.next()
      workedMs = elapsed() - startedAt
      if (value !== undefined) metrics.verified.set(value)
      if (done !== true) continue
      if (value !== undefined) metrics.verifiedTime.set(now() / 1000)
      return
    }
  }

  async #pause (workedMs: number, signal: AbortSignal): Promise<void> {
    const turns = Math.floor(this.#deps.log.head().published / TILE_WIDTH) + 1
    const ms = Math.max(this.#options.passMs / turns, workedMs * (1 / this.#options.share - 1))
    await this.#deps.sleep(ms, signal).catch(() => {}) // woken by stop
  }
}
