import type { PeerInfo } from '@libp2p/interface'
import type { PeerResponseEvent, QueryEvent, SendQueryEvent } from '@libp2p/kad-dht'
import type { WalkTrace } from '../core/peer.ts'

/** What is read of the engine's events. */
export type WalkEvent =
  | Pick<SendQueryEvent, 'name' | 'to'>
  | Pick<PeerResponseEvent, 'name' | 'from'> & { readonly closer: ReadonlyArray<Pick<PeerInfo, 'id'>> }
  | { readonly name: Exclude<QueryEvent['name'], 'SEND_QUERY' | 'PEER_RESPONSE'> }

/** Fills in a trace from the engine's events: how many RPCs, and through whom the answer was reached. */
export class WalkRecorder {
  readonly #trace: WalkTrace
  /** Who first told us of a peer; peers asked first, from our own table, are not in it. Bounded by k answers a peer asked. */
  readonly #toldBy = new Map<string, string>()
  readonly #asked = new Set<string>()

  constructor (trace: WalkTrace) {
    this.#trace = trace
  }

  record (event: WalkEvent): void {
    if (event.name === 'SEND_QUERY') {
      this.#trace.messages++
      this.#asked.add(event.to.toString())
    } else if (event.name === 'QUERY_ERROR') {
      this.#trace.failed++
    } else if (event.name === 'PEER_RESPONSE') {
      this.#trace.answered++
      const from = event.from.toString()
      for (const { id } of event.closer) {
        const closer = id.toString()
        if (!this.#asked.has(closer) && !this.#toldBy.has(closer)) this.#toldBy.set(closer, from)
      }
    }
  }

  /** Notes that the answer came from this peer. */
  reachedAt (peer: string): void {
    const path = [peer]
    for (let teller = this.#toldBy.get(peer); teller !== undefined && !path.includes(teller); teller = this.#toldBy.get(teller)) {
      path.unshift(teller)
    }
    this.#trace.path = path
    this.#trace.hops = path.length
  }
}
