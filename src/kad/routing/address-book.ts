import type { Clock } from '../../core/component.ts'
import type { PeerSet } from '../members/membership.ts'

interface Options {
  /** Peers remembered; the one heard of longest ago goes first. */
  readonly limit: number
  /** How long addresses are told after they were heard. Milliseconds. */
  readonly validityMs: number
}

interface Entry { readonly addrs: readonly Uint8Array[], readonly heardAt: number }

/**
 * Addresses that connected peers told us of themselves, servers and clients alike, so that FIND_NODE can name a peer that is in
 * nobody's routing table.
 */
export class AddressBook {
  readonly #opts: Options
  readonly #now: Clock
  /** Bounded by `limit`, in order of when they were heard. */
  readonly #entries = new Map<string, Entry>()

  constructor (opts: Options, deps: { readonly now: Clock }) {
    this.#opts = opts
    this.#now = deps.now
  }

  set (peer: string, addrs: readonly Uint8Array[]): void {
    this.#entries.delete(peer)
    if (addrs.length === 0) return
    this.#entries.set(peer, { addrs, heardAt: this.#now() })
    if (this.#entries.size > this.#opts.limit) this.#entries.delete(this.#entries.keys().next().value as string)
  }

  removeAll (peers: PeerSet): void {
    for (const peer of this.#entries.keys()) if (peers.has(peer)) this.#entries.delete(peer)
  }

  get (peer: string): readonly Uint8Array[] | undefined {
    const entry = this.#entries.get(peer)
    return entry !== undefined && this.#now() - entry.heardAt < this.#opts.validityMs ? entry.addrs : undefined
  }
}
