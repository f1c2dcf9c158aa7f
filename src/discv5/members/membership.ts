import type { NodeRecord } from '../engine.ts'

/**
 * Where a node is met, and judged: label `place` of the metric. A packet or a handshake of it came, we were to ask it, its record was told by
 * another or is to be told to one, or would enter the table.
 */
export const MEETING_PLACES = ['packet', 'handshake', 'call', 'record', 'table'] as const
export type MeetingPlace = typeof MEETING_PLACES[number]

type Pairs = NodeRecord['pairs']

/** Whether a node may have anything of us. Asked before any work; whoever answers also counts. */
export interface Membership {
  /** `pairs` are those of its record; without them a node that only its record can tell is let through, up to its handshake. */
  admits (nodeId: string, pairs: Pairs | undefined, place: MeetingPlace): boolean
  /** Whom enforcement shuts out now. Not counted: nobody asked for anything. */
  isOutsider (nodeId: string, pairs: Pairs): boolean
}

/** What holds while nobody has listed members. */
export const EVERYBODY: Membership = { admits: () => true, isOutsider: () => false }

/** `fault` is counted, and acted on when `isRefused`. */
export interface MemberVerdict { readonly isRefused: boolean, readonly fault?: 'unknown' | 'revoked' }

/** What a list of members says of a node. Undefined: its node ID is not listed, and its record may be a member's. */
export type JudgeMember = (nodeId: string, pairs: Pairs | undefined) => MemberVerdict | undefined
