import type { Component } from '../core/component.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Counts } from './counts.ts'
import type { Discv5Engine } from './engine.ts'

interface Deps {
  readonly engine: Pick<Discv5Engine, 'stats' | 'bans'>
  readonly counts: Counts
  readonly metrics: Metrics['discv5']
}

const INTERVAL_MS = 1000

/** Carries the engine's plain numbers over to the metrics once a second, so that a packet costs no more than an addition. */
export class Meter implements Component {
  readonly #deps: Deps
  readonly #seen = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor (deps: Deps) {
    this.#deps = deps
  }

  async start (): Promise<void> {
    this.#timer = setInterval(() => this.measure(), INTERVAL_MS)
  }

  async stop (): Promise<void> {
    clearInterval(this.#timer)
    this.measure()
  }

  measure (): void {
    const { engine, counts, metrics } = this.#deps
    for (const [event, count] of Object.entries(counts.events)) metrics.events.inc({ event }, this.#since(`event ${event}`, count))
    for (const [reason, count] of Object.entries(counts.drops)) metrics.dropped.inc({ reason }, this.#since(`drop ${reason}`, count))
    for (const [event, count] of Object.entries(counts.topics)) metrics.topics.inc({ event }, this.#since(`topic ${event}`, count))
    for (const [effect, places] of Object.entries(counts.outsiders)) {
      for (const [place, count] of Object.entries(places)) metrics.outsiders.inc({ place, effect }, this.#since(`outsider ${effect} ${place}`, count))
    }
    const { sessions, tableNodes, liveNodes, pendingRequests, receiveBufferBytes, topicAds } = engine.stats()
    metrics.sessions.set(sessions)
    metrics.nodes.set({ state: 'live' }, liveNodes)
    metrics.nodes.set({ state: 'unchecked' }, tableNodes - liveNodes)
    metrics.pending.set(pendingRequests)
    metrics.topicAds.set(topicAds)
    metrics.bans.set(engine.bans().length)
    metrics.receiveBuffer.set(receiveBufferBytes)
  }

  #since (name: string, count: number): number {
    const before = this.#seen.get(name) ?? 0
    this.#seen.set(name, count)
    return count - before
  }
}
