import type { Component } from '../../../core/component.ts'
import type { Sample, StatusSnapshot, StatusSource } from './snapshot.ts'

interface Options {
  readonly intervalMs: number
  /** Samples kept; the oldest goes first. */
  readonly limit: number
}

interface Deps { readonly source: StatusSource, readonly onFailure: (err: unknown) => void }

type Listener = (snapshot: StatusSnapshot) => void

/** Looks at the daemon at intervals: keeps a short past for the plots, and tells those who watch. */
export class StatusHistory implements Component {
  readonly #opts: Options
  readonly #deps: Deps
  /** Bounded by `limit`. */
  readonly #samples: Sample[] = []
  /** Bounded by who watches: the status page admits a few. */
  readonly #listeners = new Set<Listener>()
  #timer: NodeJS.Timeout | undefined

  constructor (opts: Options, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
  }

  get samples (): readonly Sample[] { return this.#samples }

  async start (): Promise<void> {
    this.#timer = setInterval(() => { this.sample().catch(this.#deps.onFailure) }, this.#opts.intervalMs).unref()
  }

  async stop (): Promise<void> {
    clearInterval(this.#timer)
    this.#listeners.clear()
  }

  async sample (): Promise<void> {
    const snapshot = await this.#deps.source.snapshot()
    const { at, records, peers, lagSeconds, rssBytes, lookups, rejected } = snapshot
    this.#samples.push({ at, records, peers: peers.length, lagSeconds, rssBytes, lookups: lookups.count, rejected: rejected.reduce((sum, { count }) => sum + count, 0) })
    if (this.#samples.length > this.#opts.limit) this.#samples.shift()
    for (const listener of this.#listeners) listener(snapshot)
  }

  /** Calls `listener` with each snapshot from now on; returns how to end it. */
  watch (listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }
}
