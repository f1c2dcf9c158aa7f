import { DhtError } from '../../core/errors.ts'
import { RateLimit } from '../../policy/rate-limit.ts'
import type { Sender } from './handler.ts'

export interface BudgetLimits {
  /** Open streams in all, of one peer and of one IP prefix. */
  readonly streams: number
  readonly streamsPerPeer: number
  readonly streamsPerPrefix: number
  /** RPCs a second of one peer and of one IP prefix. */
  readonly rpcsPerPeerPerSecond: number
  readonly rpcsPerPrefixPerSecond: number
}

/** What one peer, and one IP prefix, may have of the RPC server. Checked before a request is decoded. */
export class RpcBudgets {
  #limits: BudgetLimits
  #peerRate: RateLimit
  #prefixRate: RateLimit
  /** Open streams by party; bounded by `streams`. */
  readonly #open = new Map<string, number>()
  #total = 0

  constructor (limits: BudgetLimits) {
    this.#limits = limits
    this.#peerRate = new RateLimit({ perSecond: limits.rpcsPerPeerPerSecond })
    this.#prefixRate = new RateLimit({ perSecond: limits.rpcsPerPrefixPerSecond })
  }

  /** Other limits from now on. Streams that are open stay; a rate that changes begins with a full reserve for everybody. */
  apply (limits: BudgetLimits): void {
    const before = this.#limits
    this.#limits = limits
    if (limits.rpcsPerPeerPerSecond !== before.rpcsPerPeerPerSecond) this.#peerRate = new RateLimit({ perSecond: limits.rpcsPerPeerPerSecond })
    if (limits.rpcsPerPrefixPerSecond !== before.rpcsPerPrefixPerSecond) this.#prefixRate = new RateLimit({ perSecond: limits.rpcsPerPrefixPerSecond })
  }

  get openStreams (): number { return this.#total }

  /**
   * Counts a stream that opens; every one is followed by `closeStream`.
   * @throws {DhtError} Backpressure with reason `streams`, and then it is not counted
   */
  openStream ({ id, prefix }: Sender): void {
    const isFull = this.#total >= this.#limits.streams ||
      this.#openOf(id) >= this.#limits.streamsPerPeer ||
      (prefix !== undefined && this.#openOf(prefix) >= this.#limits.streamsPerPrefix)
    if (isFull) throw new DhtError('Backpressure', 'Too many open streams.', { reason: 'streams' })
    this.#count(1, id, prefix)
  }

  closeStream ({ id, prefix }: Sender): void {
    this.#count(-1, id, prefix)
  }

  /** @throws {DhtError} Backpressure with reason `rate` */
  takeRpc ({ id, prefix }: Sender, now: number): void {
    const peerWaitMs = this.#peerRate.take(id, now)
    const waitMs = peerWaitMs > 0 || prefix === undefined ? peerWaitMs : this.#prefixRate.take(prefix, now)
    if (waitMs > 0) throw new DhtError('Backpressure', 'Too many requests.', { retryAfterMs: waitMs, reason: 'rate' })
  }

  #openOf (party: string): number {
    return this.#open.get(party) ?? 0
  }

  #count (change: 1 | -1, ...parties: Array<string | undefined>): void {
    this.#total += change
    for (const party of parties) {
      if (party === undefined) continue
      const open = this.#openOf(party) + change
      if (open === 0) this.#open.delete(party)
      else this.#open.set(party, open)
    }
  }
}
