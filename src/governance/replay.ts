import { setImmediate } from 'node:timers/promises'
import { readEvent } from './event.ts'
import type { Ledger } from './ledger.ts'
import { stateRoot, type State } from './state.ts'
import { step } from './step.ts'

/**
 * Why what is kept is not trusted. genesis: not the one that the log names · log: unreadable, or shorter than what was held · schema: an unknown event ·
 * refused: an input that the rules refuse · root: it ends in another state than was held · snapshot, mark: the file is altered or older.
 */
export type Fault = 'genesis' | 'log' | 'schema' | 'refused' | 'root' | 'snapshot' | 'mark'

/** What was replayed is not what was agreed: nothing may be decided on it. */
export class IntegrityFault extends Error {
  override readonly name = 'IntegrityFault'
  readonly fault: Fault
  constructor (fault: Fault, message: string, options?: ErrorOptions) {
    super(message, options)
    this.fault = fault
  }
}

/** An entry of the log, as a replay needs it. */
export interface LoggedEntry { readonly seq: number, readonly after_digest: string | null, readonly event?: unknown }

const BREATHE_ENTRIES = 128

/** Takes the log's inputs through the rules again, from the genesis on. What was taken before a fault stays: each of it was verified. */
export class Replay {
  ledger: Ledger
  /** Inputs taken. */
  n = 0
  isFounded = false
  readonly #digest: string
  /** The ledger before the last input, for when a later entry has the same number. */
  #before: Ledger
  /** States that were held when so many inputs were taken: what the mark and the snapshot say. */
  readonly #held: Map<number, State | undefined>

  constructor (genesis: Ledger, digest: string, held: readonly number[]) {
    this.ledger = this.#before = genesis
    this.#digest = digest
    this.#held = new Map(held.map(n => [n, n === 0 ? genesis.state : undefined]))
  }

  /** @throws {IntegrityFault} for the first entry that does not fit */
  async takeAll (entries: AsyncIterable<LoggedEntry>): Promise<void> {
    const iterator = entries[Symbol.asyncIterator]()
    for (let taken = 0; ; taken++) {
      const { done, value } = await iterator.next().catch((cause: Error) => { throw new IntegrityFault('log', `the log cannot be read: ${cause.message}`, { cause }) })
      if (done === true) return
      this.take(value)
      if (taken % BREATHE_ENTRIES === 0) await setImmediate()
    }
  }

  take ({ seq, after_digest: afterDigest, event: value }: LoggedEntry): void {
    const event = attempt('schema', `entry ${seq}`, () => readEvent(value))
    if (event === undefined) return
    if (event.type === 'genesis') {
      if (event.digest !== this.#digest || this.n > 0) throw new IntegrityFault('genesis', `entry ${seq} names another genesis`)
      this.isFounded = true
      return
    }
    if (!this.isFounded) throw new IntegrityFault('genesis', `entry ${seq} comes before any genesis`)
    const isAgain = event.n === this.n && this.n > 0
    if (!isAgain && event.n !== this.n + 1) throw new IntegrityFault('log', `entry ${seq} is input ${event.n}, after ${this.n}`)
    const before = isAgain ? this.#before : this.ledger
    const next = attempt('refused', `entry ${seq}`, () => step(before, event.input, event.at))
    const root = next.state === before.state ? null : stateRoot(next.state)
    if (root !== afterDigest) throw new IntegrityFault('root', `entry ${seq} ends in another state than it says`)
    this.#before = before
    this.ledger = next
    this.n = event.n
    if (this.#held.has(event.n)) this.#held.set(event.n, next.state)
  }

  /** The state after the first `n` inputs; undefined when there were not so many. */
  stateAt (n: number): State | undefined { return this.#held.get(n) }
}

function attempt<T> (fault: Fault, where: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    throw new IntegrityFault(fault, `${where}: ${(cause as Error).message}`, { cause })
  }
}
