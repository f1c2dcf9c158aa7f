import type { Component } from '../core/component.ts'
import { DhtError } from '../core/errors.ts'
import { isShed, type WorkKind } from './load-shedding.ts'

interface Options {
  /** Lag of the event loop from which on the least valuable work is refused. Milliseconds. */
  readonly toleratedLagMs: number
}

interface Deps {
  /** Told of each measured lag. Seconds. */
  readonly onLag: (seconds: number) => void
}

/** Whom to ask before any work is done. */
export interface Admission {
  /** @throws {DhtError} NotReady with reason `overload` while this kind of work is refused */
  admit (kind: WorkKind): void
}

const SAMPLE_MS = 50
/** How much of a lag is forgotten with each sample: half of it in about 200 ms, so that refusing ends soon after its cause. */
const DECAY = 0.85
const RETRY_AFTER_MS = 2000

/**
 * Measures how late the event loop runs, which every queue in the process shows up in, and refuses work in order of its worth
 * before it is begun: what is let in is then served in time.
 */
export class LoadMonitor implements Component, Admission {
  readonly #opts: Options
  readonly #deps: Deps
  #lagMs = 0
  #expectedAt = 0
  #timer: NodeJS.Timeout | undefined

  constructor (opts: Options, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
  }

  async start (): Promise<void> {
    this.#expectedAt = performance.now() + SAMPLE_MS
    this.#timer = setInterval(() => {
      const now = performance.now()
      this.note(Math.max(0, now - this.#expectedAt))
      this.#expectedAt = now + SAMPLE_MS
    }, SAMPLE_MS).unref()
  }

  async stop (): Promise<void> {
    clearInterval(this.#timer)
  }

  /** Takes a measured lag in: peaks count at once and fade. Milliseconds. */
  note (lagMs: number): void {
    this.#lagMs = Math.max(lagMs, this.#lagMs * DECAY)
    this.#deps.onLag(this.#lagMs / 1000)
  }

  admit (kind: WorkKind): void {
    if (!isShed(kind, this.#lagMs, this.#opts.toleratedLagMs)) return
    throw new DhtError('NotReady', 'The daemon has more work than it can do in time.', { retryAfterMs: RETRY_AFTER_MS, reason: 'overload' })
  }
}
