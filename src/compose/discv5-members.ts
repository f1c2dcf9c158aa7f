import type { NodeRecord } from '../discv5/engine.ts'
import type { JudgeMember } from '../discv5/members/membership.ts'
import { PEER_ID_KEY } from '../bridge/peer-identity.ts'
import { toPeerIdText } from '../core/peer-id.ts'
import { MemberIndex } from '../governance/member-index.ts'
import type { Members } from '../governance/sections/members.ts'
import type { MemberSettings } from '../kad/members/members.ts'

const MAX_PEER_ID_BYTES = 64

/** A member list as the discv5 plane asks it; undefined for one that is off. */
export function judgeOf (members: Members): JudgeMember | undefined {
  if (members.mode === 'off') return undefined
  const index = new MemberIndex(members)
  /** Text is dear: made once a record. */
  const peers = new WeakMap<NodeRecord['pairs'], string | null>()
  return (nodeId, pairs) => {
    if (pairs === undefined) return index.judge(nodeId)
    const peerId = peers.get(pairs) ?? declaredPeer(pairs)
    peers.set(pairs, peerId)
    return index.judge(nodeId, peerId)
  }
}

/** A list that names peers alone. */
export function membersOf ({ mode, peers }: MemberSettings): Members {
  return { mode, nodes: peers.map(peer => ({ id: peer, keys: { peer_id: peer }, roles: [], status: 'active' })) }
}

/** Null when the record tells none: by its own key a node is known as its node ID. */
function declaredPeer (pairs: NodeRecord['pairs']): string | null {
  const declared = pairs.get(PEER_ID_KEY)
  return declared === undefined || declared.length > MAX_PEER_ID_BYTES ? null : toPeerIdText(declared)
}
