import type { PeerRecord, WalkTrace } from '../core/peer.ts'
import type { MultihashKey } from '../core/key.ts'
import type { Span } from '../core/span.ts'

export interface LookupOptions {
  /** Records to return at most; reaching it while there is more marks the answer truncated. */
  readonly limit: number
  /** Aborted when the client is gone: the walk stops. */
  readonly signal: AbortSignal
  /** Of the request, when a trace of it is taken. */
  readonly span?: Span | undefined
}

/** Records as they are found; `summary` is final once `records` has ended. */
export interface Answer {
  readonly records: AsyncIterable<PeerRecord>
  readonly summary: AnswerSummary
}

export interface AnswerSummary {
  /** When the walk behind this answer ended, or now. Milliseconds since the epoch. */
  resolvedAt: number
  /** The walk was not run again: a recent answer was used. */
  cached: boolean
  /** Why there may be more than the answer holds; undefined for a complete answer. */
  truncated: 'deadline' | 'limit' | 'error' | undefined
  trace: WalkTrace
}

/** One answer from all planes: held records first, then the walk. */
export interface LookupPort {
  providers (key: MultihashKey, options: LookupOptions): Answer
  peer (id: string, options: LookupOptions): Answer
  closest (key: Uint8Array, options: LookupOptions): Answer
}

/** Signed values from all that we and the network hold. */
export interface ValuePort {
  /**
   * The best valid value, or undefined when nobody has one.
   * @throws {DhtError} Timeout when the search did not end in time, Backpressure when too many walk
   */
  find (key: Uint8Array, options: Omit<LookupOptions, 'limit'>): Promise<Uint8Array | undefined>
  /**
   * Stores the value here and at the peers closest to its key.
   * @throws {DhtError} BadRequest when it is not valid for the key, Conflict when a newer one is held; Timeout, Backpressure
   */
  publish (key: Uint8Array, value: Uint8Array, options: Omit<LookupOptions, 'limit'>): Promise<{ readonly reached: number }>
}
