import type { Members } from './sections/members.ts'

/** `isRefused` is to be acted on; `fault` is counted in `observe` too. */
export interface MemberDecision { readonly isRefused: boolean, readonly fault?: 'unknown' | 'revoked' }

/** By which of its keys a node shows itself; an absent one was not seen yet. */
export interface Shown { readonly peerId?: string, readonly nodeId?: string }

/**
 * Whether the member list lets a connection, an RPC or a record in. Being allowed by the policy never counts here.
 * Keys of two members, or one key of a member and another's, are nobody's: both must be of one active node.
 */
export function decideMember ({ mode, nodes }: Members, { peerId, nodeId }: Shown): MemberDecision {
  if (mode === 'off') return { isRefused: false }
  const node = nodes.find(({ keys }) => (peerId !== undefined && keys.peer_id === peerId) || (nodeId !== undefined && keys.node_id === nodeId))
  const isWhole = node !== undefined && (peerId === undefined || node.keys.peer_id === peerId) && (nodeId === undefined || node.keys.node_id === nodeId)
  if (isWhole && node.status === 'active') return { isRefused: false }
  return { isRefused: mode === 'enforce', fault: node?.status === 'revoked' ? 'revoked' : 'unknown' }
}
