import type { Clock } from '../core/component.ts'
import type { PeerRecord, Walk, WalkTrace } from '../core/peer.ts'
import type { Span } from '../core/span.ts'
import { interleave } from './interleave.ts'
import type { OverlayPlane } from './ports.ts'
import type { Shareable } from './shared-walks.ts'
import type { RunningWalk } from './walk-budget.ts'

/** What one kind of lookup asks the network. */
export interface Question {
  readonly kind: 'providers' | 'peer' | 'closest'
  readonly id: string
  walk (plane: OverlayPlane, walk: Walk): AsyncIterable<PeerRecord>
  concerns (record: PeerRecord): boolean
}

interface Deps {
  readonly planes: readonly OverlayPlane[]
  readonly running: RunningWalk
  readonly now: Clock
  /** The whole of what there is to find, told at most once. */
  readonly onFinish: (found: readonly PeerRecord[], at: number) => void
  readonly onFailure: (err: unknown) => void
}

/** One walk through all planes. Its items are the sightings that tell something new: a peer, or its first addresses. */
export class PlaneWalk implements Shareable<PeerRecord> {
  readonly #deps: Deps
  readonly items: AsyncIterable<PeerRecord>
  /** Bounded by what the reader of `items` takes. */
  readonly #found = new Map<string, PeerRecord>()
  #isFinished = false
  /** A plane could not say all it knows. */
  hasFailed = false
  /** When nobody was left to ask; undefined before that, and for a walk that was cut short. */
  endedAt: number | undefined

  constructor (question: Question, deps: Deps) {
    this.#deps = deps
    this.items = this.#walk(question)
  }

  get trace (): WalkTrace { return this.#deps.running.trace }

  /** When a trace is taken of who began it. */
  get span (): Span | undefined { return this.#deps.running.span }

  /** Nothing that the walk could still find would change its answer. */
  finish (): void {
    if (this.#isFinished) return
    this.#isFinished = true
    this.#deps.onFinish([...this.#found.values()], this.#deps.now())
  }

  [Symbol.dispose] (): void {
    this.#deps.running[Symbol.dispose]()
  }

  async * #walk (question: Question): AsyncGenerator<PeerRecord> {
    const { planes, running, now } = this.#deps
    const { signal } = running
    const walks = planes.map(async function * (plane) { yield * question.walk(plane, running) })
    const onFailure = (err: unknown): void => {
      if (signal.aborted) return // planes throw then, as their port says
      this.hasFailed = true
      this.#deps.onFailure(err)
    }
    for await (const record of interleave(walks, signal, onFailure)) {
      if (!question.concerns(record)) continue
      const known = this.#found.get(record.id)
      if (known !== undefined && (known.addrs.length > 0 || record.addrs.length === 0)) continue
      this.#found.set(record.id, record)
      yield record
    }
    if (signal.aborted) return
    this.endedAt = now()
    if (!this.hasFailed) this.finish()
  }
}
