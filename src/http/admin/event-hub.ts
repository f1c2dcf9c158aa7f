import type { BusEvent, EventTopic } from './wire.ts'

/** What the daemon tells those who watch. The list is closed; nobody's lookups are on it. */
export const TOPICS: readonly EventTopic[] = ['audit', 'readiness']

interface Options {
  /** Events kept for those who come late or read slowly; the oldest goes first. */
  readonly limit: number
  readonly limitBytes: number
}

interface Deps {
  /** Told of each reader that was so slow that events were gone before it read them. */
  readonly onLagged: () => void
}

export interface KeptEvent {
  readonly id: number
  readonly topic: string
  readonly atMs: number
  /** The event as JSON, made once for all readers. */
  readonly json: string
}

interface AnyEvent { readonly id: number, readonly at: string, readonly topic: string }

type Told<T> = T extends AnyEvent ? Omit<T, 'id' | 'at'> & { readonly topic: string } : never

/** The last events of the daemon. Readers have a place in them, so a slow one costs nobody memory: it misses events and is let go. */
export class EventHub<Event extends AnyEvent = BusEvent> {
  readonly #options: Options
  readonly #deps: Deps
  /** Bounded by both limits. */
  readonly #kept: KeptEvent[] = []
  #keptBytes = 0
  #lastId = 0
  /** Bounded by who watches: the route admits a few. */
  readonly #listeners = new Set<() => void>()

  constructor (options: Options, deps: Deps) {
    this.#options = options
    this.#deps = deps
  }

  get lastId (): number { return this.#lastId }

  publish (event: Told<Event>, atMs: number): void {
    const id = ++this.#lastId
    const json = JSON.stringify({ id, at: new Date(atMs).toISOString(), ...event })
    this.#kept.push({ id, topic: event.topic, atMs, json })
    this.#keptBytes += json.length
    while (this.#kept.length > this.#options.limit || this.#keptBytes > this.#options.limitBytes) {
      this.#keptBytes -= this.#kept.shift()?.json.length ?? 0
    }
    for (const listener of this.#listeners) listener()
  }

  /** The events after this one, oldest first; undefined when some of them are gone already. */
  after (id: number): readonly KeptEvent[] | undefined {
    const first = this.#lastId - this.#kept.length + 1
    return id + 1 < first ? undefined : this.#kept.slice(id + 1 - first)
  }

  /** From where a reader gets everything that is kept and is not older. */
  idBefore (sinceMs: number): number {
    return (this.#kept.find(({ atMs }) => atMs >= sinceMs)?.id ?? this.#lastId + 1) - 1
  }

  lagged (): void { this.#deps.onLagged() }

  /** Calls `listener` after each event; returns how to end it. */
  watch (listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }
}
