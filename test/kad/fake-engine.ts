import type { PeerId, PeerInfo } from '@libp2p/interface'
import type { Walk } from '../../src/core/peer.ts'
import type { Engine, TableGuard } from '../../src/kad/engine.ts'

interface TableListeners {
  readonly added: (peer: PeerId) => void
  readonly removed: (peer: PeerId) => void
}

/** An engine whose network answers what a test puts into it, and whose table does what a test says. */
export class FakeEngine implements Pick<Engine, keyof Engine> {
  tableSize = 0
  providers: readonly PeerInfo[] = []
  peers: readonly PeerInfo[] = []
  closest: readonly PeerInfo[] = []
  values: readonly Uint8Array[] = []

  width: { readonly concurrency: number, readonly disjointPaths: number } | undefined
  readonly offered: string[] = []
  readonly dropped: string[] = []
  readonly walks: Walk[] = []
  guard: TableGuard = { hasRoomFor: () => true, admits: async () => true }
  #table: TableListeners = { added: () => {}, removed: () => {} }
  #selfLookup: () => void = () => {}

  add (peer: PeerId): void { this.#table.added(peer) }
  remove (peer: PeerId): void { this.#table.removed(peer) }
  endSelfLookup (): void { this.#selfLookup() }

  setWidth (width: { readonly concurrency: number, readonly disjointPaths: number }): void { this.width = width }
  guardTable (guard: TableGuard): void { this.guard = guard }
  onTableChange (listeners: TableListeners): void { this.#table = listeners }
  onSelfLookup (listener: () => void): void { this.#selfLookup = listener }
  offer (peer: PeerId): void { this.offered.push(peer.toString()) }
  async drop (peer: PeerId): Promise<void> { this.dropped.push(peer.toString()) }

  findProviders (_key: Uint8Array, walk: Walk): AsyncGenerator<PeerInfo> { return this.#answer(this.providers, walk) }
  findPeer (_peer: PeerId, walk: Walk): AsyncGenerator<PeerInfo> { return this.#answer(this.peers, walk) }
  findClosest (_key: Uint8Array, walk: Walk): AsyncGenerator<PeerInfo> { return this.#answer(this.closest, walk) }
  findValues (_key: Uint8Array, walk: Walk): AsyncGenerator<Uint8Array> { return this.#answer(this.values, walk) }

  async * #answer<T> (found: readonly T[], walk: Walk): AsyncGenerator<T> {
    this.walks.push(walk)
    yield * found
  }
}
