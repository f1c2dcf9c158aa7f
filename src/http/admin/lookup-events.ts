import type { Answer, AnswerSummary } from '../../lookup/answer.ts'
import type { LookupEvent } from './wire.ts'

interface Options {
  /** Milliseconds between two looks at the walk, and so between two `progress` events at least. */
  readonly progressIntervalMs: number
  /** Told of a failure that the client only sees as a truncated answer. */
  readonly onFailure: (err: unknown) => void
}

/**
 * A lookup as a sequence of events: records as they come, the state of the walk when it has moved, `done` last. A lookup
 * that fails before its first event throws; later, its `done` says that the answer is truncated by an error.
 * Ending the sequence ends the lookup's records too, once the lookup's own signal has let go of what it waits for.
 */
export async function * streamEvents (answer: Answer, { progressIntervalMs, onFailure }: Options): AsyncGenerator<LookupEvent> {
  const { summary } = answer
  let hasBegun = false
  let hasFailed = false
  try {
    for await (const item of withBeats(answer.records, progressIntervalMs, movesOf(summary))) {
      hasBegun = true
      yield item === BEAT ? { event: 'progress', trace: { ...summary.trace } } : { event: 'record', record: item }
    }
  } catch (err) {
    if (!hasBegun) throw err
    hasFailed = true
    onFailure(err)
  }
  const truncated = hasFailed ? 'error' : summary.truncated
  yield { event: 'done', ...(truncated !== undefined && { truncated }), cached: summary.cached, trace: { ...summary.trace } }
}

const BEAT = Symbol('beat')

/** What `source` gives, with a BEAT between whenever `hasMoved` at the end of an interval that brought nothing else. */
async function * withBeats<T> (source: AsyncIterable<T>, intervalMs: number, hasMoved: () => boolean): AsyncGenerator<T | typeof BEAT> {
  const iterator = source[Symbol.asyncIterator]()
  using pulse = startPulse(intervalMs)
  const take = () => {
    const taken = iterator.next()
    taken.catch(() => {}) // seen in the race below, unless the reader leaves first
    return taken
  }
  try {
    for (let next = take(); ;) {
      const first = await Promise.race([next, pulse.beat()])
      if (first === BEAT) {
        if (hasMoved()) yield BEAT
      } else {
        if (first.done === true) return
        yield first.value
        next = take()
      }
    }
  } finally {
    await iterator.return?.()
  }
}

/** True when the walk has sent or heard anything since it was last asked. The summary gets its trace once the walk begins. */
function movesOf (summary: AnswerSummary): () => boolean {
  let seen = 0
  return () => {
    const before = seen
    const { messages, answered, failed } = summary.trace
    seen = messages + answered + failed
    return seen !== before
  }
}

/** A beat every interval, until disposed. Beats that nobody waits for are gone, not owed. */
function startPulse (intervalMs: number): Disposable & { beat (): Promise<typeof BEAT> } {
  let next = Promise.withResolvers<typeof BEAT>()
  const timer = setInterval(() => {
    next.resolve(BEAT)
    next = Promise.withResolvers()
  }, intervalMs)
  return { beat: () => next.promise, [Symbol.dispose]: () => clearInterval(timer) }
}
