import type { NodeRecord } from '../discv5/engine.ts'
import type { AddressScope } from '../kad/addresses.ts'
import { dialAddresses } from './addresses.ts'
import { peerOf } from './peer-identity.ts'
import { holds, type Predicate } from '../core/record-predicate.ts'

/** A node that may be dialled over libp2p: a hint, until the peer itself has proved who it is. */
export interface Candidate {
  readonly nodeId: string
  readonly seq: bigint
  readonly record: string
  readonly peerId: string
  /** The record names another key's peer ID than its own. */
  readonly isDeclared: boolean
  /** Multiaddrs without /p2p. */
  readonly addresses: readonly string[]
}

/**
 * Why a record leads to no dial: `predicate` it is not what the configuration asks for · `no_peer` no key that libp2p knows ·
 * `no_address` neither tcp nor quic with the IP of its family · `private_address` only such inside our own network, or nobody's ·
 * `self` our own · `malformed` it made a rule throw.
 */
export type RefusalReason = 'predicate' | 'no_peer' | 'no_address' | 'private_address' | 'self' | 'malformed'

interface Rules {
  readonly predicates: readonly Predicate[]
  readonly scope: AddressScope
  /** Peer ID of this daemon. */
  readonly self: string
}

/** Total: whatever the record holds, it is a candidate or a reason. */
export function toCandidate (record: NodeRecord, { predicates, scope, self }: Rules, now: number): Candidate | RefusalReason {
  try {
    const { nodeId, seq, pairs } = record
    if (!predicates.every(predicate => holds(predicate, pairs, now))) return 'predicate'
    const peer = peerOf(pairs)
    if (peer === undefined) return 'no_peer'
    if (peer.peerId === self) return 'self'
    const { addresses, hadRefused } = dialAddresses(pairs, scope)
    if (addresses.length === 0) return hadRefused ? 'private_address' : 'no_address'
    return { nodeId, seq, record: record.text, ...peer, addresses }
  } catch {
    return 'malformed' // a record of a form that nobody thought of must not end the daemon
  }
}
