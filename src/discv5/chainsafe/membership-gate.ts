import type { Discv5 } from '@chainsafe/discv5'
import type { ENR } from '@chainsafe/enr'
import type { NodeRecord } from '../engine.ts'
import type { Membership } from '../members/membership.ts'

interface Deps {
  readonly membership: Membership
  /** Undefined for a record that is not in order. */
  readonly read: (enr: ENR) => NodeRecord | undefined
  /** The same, of bytes. */
  readonly readBytes: (bytes: Uint8Array) => NodeRecord | undefined
}

/** What the library keeps to itself, and has no way to take back. */
interface Insides {
  readonly kbuckets: { removeById (nodeId: string): unknown, bucketForId (nodeId: string): { pending?: { readonly value: ENR } | undefined } }
  discovered (from: string, enrs: ENR[], lookupId?: number): void
}

interface SessionInsides {
  /** By node ID, a colon and the endpoint. */
  readonly sessions: Keyed
  readonly activeChallenges: Keyed
}
interface Keyed { keys (): Iterable<string>, delete (key: string): unknown }

const WHOAREYOU = 1
const HANDSHAKE = 2
const ID_BYTES = 32
/** Node ID, and the sizes of signature and key. */
const HANDSHAKE_HEAD_BYTES = 34

/** Who the membership shuts out does not get through to the library, nor into its table. To be called before it starts. */
export function gate (node: Discv5, { membership, read, readBytes }: Deps): void {
  const { sessionService } = node
  const pairsOf = (nodeId: string): NodeRecord['pairs'] | undefined => {
    const enr = node.getKadValue(nodeId)
    return enr && read(enr)?.pairs
  }
  const pass = sessionService.processInboundPacket
  sessionService.processInboundPacket = (source, packet) => {
    const { flag, authdata } = packet.header
    if (flag !== WHOAREYOU) {
      const nodeId = Buffer.from(authdata.subarray(0, ID_BYTES)).toString('hex')
      const sent = flag === HANDSHAKE ? readBytes(recordIn(authdata)) : undefined
      const pairs = sent?.nodeId === nodeId ? sent.pairs : pairsOf(nodeId)
      if (!membership.admits(nodeId, pairs, flag === HANDSHAKE ? 'handshake' : 'packet')) return
    }
    pass(source, packet)
  }
  const insides = insidesOf(node)
  const discovered = insides.discovered.bind(node)
  insides.discovered = (from, enrs, lookupId) => discovered(from, enrs.filter(enr => enr.nodeId === node.enr.nodeId || membership.admits(enr.nodeId, read(enr)?.pairs ?? new Map(), 'record')), lookupId)
}

/** Takes what nodes have of the library. A request to one of them that is under way runs into its time-out. */
export function removeAll (node: Discv5, isGone: (nodeId: string) => boolean): void {
  const { sessions, activeChallenges } = node.sessionService as unknown as SessionInsides
  const { kbuckets } = insidesOf(node)
  const table = node.kadValues().map(({ nodeId }) => nodeId)
  const gone = table.filter(isGone)
  for (const held of [sessions, activeChallenges]) {
    for (const key of [...held.keys()]) if (isGone(key.slice(0, 2 * ID_BYTES))) held.delete(key)
  }
  for (const nodeId of table) {
    const bucket = kbuckets.bucketForId(nodeId)
    if (bucket.pending !== undefined && isGone(bucket.pending.value.nodeId)) bucket.pending = undefined
  }
  for (const nodeId of gone) kbuckets.removeById(nodeId)
}

/** Empty when there is none. */
function recordIn (authdata: Uint8Array): Uint8Array {
  return authdata.subarray(HANDSHAKE_HEAD_BYTES + (authdata[ID_BYTES] ?? 0) + (authdata[ID_BYTES + 1] ?? 0))
}

function insidesOf (node: Discv5): Insides {
  return node as unknown as Insides
}
