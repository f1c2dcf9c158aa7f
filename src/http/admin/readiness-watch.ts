import type { Clock, Component } from '../../core/component.ts'
import type { ReadinessReport } from '../../core/readiness.ts'
import type { EventHub } from './event-hub.ts'

interface Options { readonly intervalMs: number }

interface Deps {
  readonly readiness: () => ReadinessReport
  readonly events: Pick<EventHub, 'publish'>
  readonly now: Clock
}

/** Tells of readiness as an event whenever it, or a reason for it, is another than at the look before. */
export class ReadinessWatch implements Component {
  readonly #options: Options
  readonly #deps: Deps
  #told = ''
  #timer: NodeJS.Timeout | undefined

  constructor (options: Options, deps: Deps) {
    this.#options = options
    this.#deps = deps
  }

  async start (): Promise<void> {
    this.#timer = setInterval(() => this.look(), this.#options.intervalMs).unref()
  }

  async stop (): Promise<void> { clearInterval(this.#timer) }

  look (): void {
    const { events, now } = this.#deps
    const readiness = this.#deps.readiness()
    const text = JSON.stringify(readiness)
    if (text === this.#told) return
    this.#told = text
    events.publish({ topic: 'readiness', readiness }, now())
  }
}
