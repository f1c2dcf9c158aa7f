import type { PeerInfo } from '@libp2p/interface'
import type { PeerResponseEvent, QueryErrorEvent, QueryEvent, SendQueryEvent } from '@libp2p/kad-dht'
import type { WalkTrace } from '../core/peer.ts'
import type { Span } from '../core/span.ts'

/** What is read of the engine's events. */
export type WalkEvent =
  | Pick<SendQueryEvent, 'name' | 'to'> & Partial<Pick<SendQueryEvent, 'messageName'>>
  | Pick<PeerResponseEvent, 'name' | 'from'> & { readonly closer: ReadonlyArray<Pick<PeerInfo, 'id'>> }
  | Pick<QueryErrorEvent, 'name'> & Partial<Pick<QueryErrorEvent, 'from' | 'error'>>
  | { readonly name: Exclude<QueryEvent['name'], 'SEND_QUERY' | 'PEER_RESPONSE' | 'QUERY_ERROR'> }

/** Of one walk; what it asks beyond them is in its count of messages alone. */
const MAX_RPC_SPANS = 256

/** Fills in a trace from the engine's events: how many RPCs, and through whom the answer was reached. */
export class WalkRecorder {
  readonly #trace: WalkTrace
  /** Who first told us of a peer; peers asked first, from our own table, are not in it. Bounded by k answers a peer asked. */
  readonly #toldBy = new Map<string, string>()
  readonly #asked = new Set<string>()
  /** The way to whoever is the most peers away of those that answered. */
  #deepest: readonly string[] = []

  readonly #span: Span | undefined
  /** RPCs under way, by the peer asked. Bounded by MAX_RPC_SPANS. */
  readonly #rpcs = new Map<string, Span>()
  #rpcSpans = 0

  constructor (trace: WalkTrace, span?: Span) {
    this.#trace = trace
    this.#span = span
  }

  record (event: WalkEvent): void {
    if (event.name === 'SEND_QUERY') {
      this.#trace.messages++
      this.#asked.add(event.to.toString())
      if (this.#span !== undefined) this.#beginRpc(this.#span, event.messageName ?? 'RPC', event.to.toString())
    } else if (event.name === 'QUERY_ERROR') {
      this.#trace.failed++
      if (event.from !== undefined) this.#endRpc(event.from.toString(), event.error?.name ?? 'Error')
    } else if (event.name === 'PEER_RESPONSE') {
      this.#trace.answered++
      const from = event.from.toString()
      this.#endRpc(from)
      for (const { id } of event.closer) {
        const closer = id.toString()
        if (!this.#asked.has(closer) && !this.#toldBy.has(closer)) this.#toldBy.set(closer, from)
      }
      const path = this.#pathTo(from)
      if (path.length > this.#deepest.length) this.#deepest = path
    }
  }

  /** Notes that the answer came from this peer. */
  reachedAt (peer: string): void {
    this.#take(this.#pathTo(peer))
  }

  /** The walk is over: nobody waits for what was not answered. A search in vain went as deep as anybody answered. */
  close (): void {
    if (this.#trace.path.length === 0) this.#take(this.#deepest)
    for (const rpc of this.#rpcs.values()) rpc.end('unanswered')
    this.#rpcs.clear()
  }

  #take (path: readonly string[]): void {
    this.#trace.path = path
    this.#trace.hops = path.length
  }

  #pathTo (peer: string): readonly string[] {
    const path = [peer]
    for (let teller = this.#toldBy.get(peer); teller !== undefined && !path.includes(teller); teller = this.#toldBy.get(teller)) {
      path.unshift(teller)
    }
    return path
  }

  #beginRpc (span: Span, name: string, peer: string): void {
    if (this.#rpcSpans >= MAX_RPC_SPANS || this.#rpcs.has(peer)) return
    this.#rpcSpans++
    this.#rpcs.set(peer, span.child(name, { 'svc_dht.peer': peer }, 'client'))
  }

  #endRpc (peer: string, failure?: string): void {
    this.#rpcs.get(peer)?.end(failure)
    this.#rpcs.delete(peer)
  }
}
