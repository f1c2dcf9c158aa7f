import { decideMember, type MemberDecision, type Shown } from './membership.ts'
import type { MemberNode, Members } from './sections/members.ts'

/** A member list that answers by key, so that a packet does not cost a walk through it. The rule is `decideMember`. */
export class MemberIndex {
  readonly #mode: Members['mode']
  /** By node ID and by peer ID; each key is of one node. Bounded by the list. */
  readonly #byKey = new Map<string, MemberNode>()
  /** Whether an active node lists its peer ID alone. */
  readonly #hasUnnamed: boolean

  constructor ({ mode, nodes }: Members) {
    this.#mode = mode
    for (const node of nodes) for (const key of Object.values(node.keys)) this.#byKey.set(key, node)
    this.#hasUnnamed = nodes.some(({ keys, status }) => status === 'active' && keys.node_id === undefined)
  }

  /**
   * Of a discv5 node. `peerId` is what its record tells; absent while the record is not known, null when it tells none. Undefined: the
   * node ID is not listed, and only the record can say whether the node is of a member that lists its peer ID alone.
   */
  judge (nodeId: string, peerId?: string | null): MemberDecision | undefined {
    const byNode = this.#byKey.get(nodeId)
    if (byNode === undefined && peerId === undefined && this.#hasUnnamed) return undefined
    const byPeer = peerId === undefined || peerId === null ? undefined : this.#byKey.get(peerId)
    // Of a node that lists its peer ID alone the node ID proves nothing: it is nobody's.
    const isPeerAlone = byNode === undefined && byPeer !== undefined && byPeer.keys.node_id === undefined
    const shown: Shown = { ...!isPeerAlone && { nodeId }, ...typeof peerId === 'string' && { peerId } }
    return decideMember({ mode: this.#mode, nodes: [byNode, byPeer].filter(node => node !== undefined) }, shown)
  }
}
