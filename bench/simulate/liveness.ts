import { hashOf, toUnit } from './random.ts'
import type { Sessions } from './sessions.ts'

/** Who answers, and whom a routing table still lists although nobody answers there. */
export interface Liveness {
  answers (peer: number): boolean
  /** Whether `owner`, when it last looked, found `peer` alive and so has it in its table. */
  lists (owner: number, peer: number): boolean
  /** Who works against us: answers in time, holds no record, and tells of others of its kind alone, the nearest to what is sought. */
  lies? (peer: number): boolean
}

/** Nobody ever leaves. */
export const STILL: Liveness = { answers: () => true, lists: () => true }

/** A share of the peers is dead, and no table has noticed yet: what is left right after an outage. */
export function withDead (share: number, seed: number): Liveness {
  return { answers: peer => toUnit(hashOf(seed, peer)) >= share, lists: () => true }
}

/** A share of the peers, spread over the key space like all others, works together against lookups. */
export function withLiars (share: number, seed: number): Liveness {
  return { ...STILL, lies: peer => toUnit(hashOf(seed, peer)) < share }
}

/**
 * Peers come and go. At `atMs` a table lists who was online when it looked last, and each table looks at each of its entries
 * once a refresh interval, at a moment of its own.
 */
export function withChurn (sessions: Sessions, atMs: number, refreshMs: number, seed: number): Liveness {
  return {
    answers: peer => sessions.isOnline(peer, atMs),
    lists: (owner, peer) => sessions.isOnline(peer, Math.max(0, atMs - refreshMs * toUnit(hashOf(seed, owner, peer)))),
  }
}
