import { list, object, oneOf, operations, optional, text, type Of, type OperationOf } from '../form.ts'
import { must, mustBeDistinct, type SectionRules } from './rules.ts'

const MAX_NODES = 4096

const id = text(64, /^[\w.:-]+$/)
/** How a node shows up: its libp2p peer ID, and its discv5 node ID once it speaks that. */
const keys = object({ peer_id: text(128, /^[1-9A-HJ-NP-Za-km-z]{8,}$/), node_id: optional(text(64, /^[0-9a-f]{64}$/)) })
const node = object({ id, keys, roles: list(oneOf('server', 'client', 'bootstrap', 'relay'), 4), status: oneOf('active', 'revoked') })
export type MemberNode = Of<typeof node>

/** off: nobody asks · observe: refusals are only counted · enforce: who is not an active member is refused. */
const mode = oneOf('off', 'observe', 'enforce')
const value = object({ mode, nodes: list(node, MAX_NODES) })
export type Members = Of<typeof value>

const OPERATIONS = {
  'set-mode': { mode },
  add: { node },
  remove: { id },
  revoke: { id },
  rotate: { id, keys },
} as const
export type MembersChange = OperationOf<typeof OPERATIONS>

export const members: SectionRules<Members, MembersChange> = {
  value,
  change: operations(OPERATIONS),
  isCanaried: false,

  check ({ nodes, mode }) {
    mustBeDistinct(nodes.map(({ id }) => id), 'node ids')
    mustBeDistinct(nodes.flatMap(({ keys }) => Object.values(keys)), 'keys of nodes')
    must(mode !== 'enforce' || nodes.some(({ status }) => status === 'active'), 'with no active node, enforcement would cut everyone off')
  },

  apply (value, change) {
    if (change.op === 'set-mode') return { ...value, mode: change.mode }
    const { nodes } = value
    if (change.op === 'add') {
      must(!nodes.some(({ id }) => id === change.node.id), 'the node is listed already')
      must(change.node.status === 'active', 'a new node must be active')
      // The list may be over its bound after the bound was lowered: then only additions are refused, never removals.
      must(nodes.length < MAX_NODES, `at most ${MAX_NODES} nodes`)
      return { ...value, nodes: [...nodes, change.node] }
    }
    const found = nodes.find(({ id }) => id === change.id)
    must(found !== undefined, 'no such node')
    const replaced = (node: Partial<MemberNode>): Members =>
      ({ ...value, nodes: nodes.map(other => other.id === change.id ? { ...other, ...node } : other) })
    switch (change.op) {
      case 'remove': return { ...value, nodes: nodes.filter(({ id }) => id !== change.id) }
      case 'revoke':
        must(found?.status === 'active', 'the node is revoked already')
        return replaced({ status: 'revoked' })
      case 'rotate':
        must(found?.status === 'active', 'a revoked node cannot rotate its keys')
        return replaced({ keys: change.keys })
    }
  },
}
