import type { Candidate } from './candidate.ts'

export interface IndexedNode {
  readonly nodeId: string
  readonly peerId: string
  readonly record: string
  /** The peer ID is another key's, named by the node; only a dial has shown that this peer is at the node's address. */
  readonly isDeclared: boolean
}

/**
 * Which libp2p peer is which discv5 node, both ways. A declared peer ID never takes the place of one that follows from a node's own key:
 * anybody can declare one. The one that was indexed longest ago goes first.
 */
export class PeerIndex {
  readonly #limit: number
  readonly #byNode = new Map<string, IndexedNode>()
  readonly #byPeer = new Map<string, IndexedNode>()

  constructor (limit: number) { this.#limit = limit }

  get size (): number { return this.#byNode.size }

  node (nodeId: string): IndexedNode | undefined { return this.#byNode.get(nodeId) }
  peer (peerId: string): IndexedNode | undefined { return this.#byPeer.get(peerId) }
  all (): readonly IndexedNode[] { return [...this.#byNode.values()] }

  /** A candidate with a declared peer ID is put in only after that peer was reached. */
  put ({ nodeId, peerId, record, isDeclared }: Candidate): void {
    const holder = this.#byPeer.get(peerId)
    if (holder !== undefined && holder.nodeId !== nodeId && isDeclared) return
    this.#remove(this.#byNode.get(nodeId))
    this.#remove(holder)
    const entry = { nodeId, peerId, record, isDeclared }
    this.#byNode.set(nodeId, entry)
    this.#byPeer.set(peerId, entry)
    if (this.#byNode.size > this.#limit) this.#remove(this.#byNode.values().next().value)
  }

  #remove (entry: IndexedNode | undefined): void {
    if (entry === undefined) return
    this.#byNode.delete(entry.nodeId)
    this.#byPeer.delete(entry.peerId)
  }
}
