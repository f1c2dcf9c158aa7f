import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

export interface SpanQueueOptions {
  /** Spans that wait to be sent; more are dropped. */
  readonly queue: number
  readonly intervalMs: number
  /** What the exporter takes at most for one batch, its retries included. */
  readonly timeoutMs: number
  /** What a stop takes at most. */
  readonly drainMs: number
}

interface Deps {
  readonly exporter: Pick<SpanExporter, 'export' | 'shutdown'>
  readonly metrics: Metrics['tracing']
  readonly log: Logger
}

const BATCH = 512

/**
 * Spans on their way to the collector, a batch at a time. It never waits for the collector: what finds no place is dropped and
 * counted, as is what the collector does not take.
 */
export class SpanQueue implements SpanProcessor {
  readonly #opts: SpanQueueOptions
  readonly #deps: Deps
  /** Bounded by `queue`; the newest is dropped. */
  #spans: ReadableSpan[] = []
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<boolean> | undefined
  #hasFailed = false
  #isStopping = false

  constructor (opts: SpanQueueOptions, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
  }

  start (): void {
    this.#timer = setInterval(() => { void this.#send() }, this.#opts.intervalMs).unref()
  }

  onStart (): void {}

  onEnd (span: ReadableSpan): void {
    if (this.#isStopping || this.#spans.length >= this.#opts.queue) {
      this.#deps.metrics.spans.inc({ outcome: this.#isStopping ? 'stopped' : 'queue' })
      return
    }
    this.#spans.push(span)
    if (this.#spans.length === BATCH && this.#sending === undefined) setImmediate(() => { void this.#send() })
  }

  /** Sends what is there now, as far as the collector takes it. */
  async forceFlush (): Promise<void> {
    await this.#flush(Number.POSITIVE_INFINITY)
  }

  /** Sends what there is time for; the rest is dropped and counted. */
  async shutdown (): Promise<void> {
    if (this.#isStopping) return await this.#sending?.then(() => {})
    this.#isStopping = true
    clearInterval(this.#timer)
    await this.#flush(performance.now() + this.#opts.drainMs - this.#opts.timeoutMs)
    this.#drop(this.#spans.splice(0).length, 'stopped')
    await this.#deps.exporter.shutdown()
  }

  /** Begins no batch after `until`, and none after one that was not taken. */
  async #flush (until: number): Promise<void> {
    await this.#sending
    while (this.#spans.length > 0 && performance.now() <= until) if (!await this.#send()) return
  }

  #send (): Promise<boolean> {
    this.#sending ??= this.#sendBatch().finally(() => { this.#sending = undefined })
    return this.#sending
  }

  async #sendBatch (): Promise<boolean> {
    const batch = this.#spans.splice(0, BATCH)
    if (batch.length === 0) return true
    const { exporter, metrics, log } = this.#deps
    const error = await new Promise<Error | undefined>(resolve => exporter.export(batch, ({ code, error }) => resolve(code === 0 ? undefined : error ?? new Error('not taken'))))
    if (error === undefined) {
      metrics.spans.inc({ outcome: 'sent' }, batch.length)
    } else {
      this.#drop(batch.length, 'collector')
      if (!this.#hasFailed) log.warn({ event: 'collector_failed', err: error }, 'the collector of traces does not take spans: they are dropped until it does') // once, not once a batch
    }
    this.#hasFailed = error !== undefined
    return error === undefined
  }

  #drop (spans: number, outcome: 'collector' | 'stopped'): void {
    if (spans > 0) this.#deps.metrics.spans.inc({ outcome }, spans)
  }
}
