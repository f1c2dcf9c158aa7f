import type { Actor } from './actor.ts'
import { claimedSigners, verifiedAlgorithms, type Envelope } from './envelope.ts'
import { refused } from './refusal.ts'
import type { State } from './state.ts'

/** Who signed a statement, and whether by ML-DSA-87 too. */
export interface Signer { readonly actor: Actor, readonly isPq: boolean }

/**
 * The one actor who signed an envelope and whom its payload names.
 * @throws {DhtError} gov_signer when it is none of `known`, gov_signature for a signature over other bytes, gov_pq without ML-DSA-87 where it is required
 */
export function authenticate (state: State, envelope: Envelope, named: string, known: readonly Actor[]): Signer {
  const claimed = claimedSigners(envelope)
  if (claimed.length !== 1 || claimed[0] !== named) throw refused('gov_signer', 'a statement is signed by the one actor it names')
  const actor = known.find(({ id, status }) => id === named && status === 'active')
  if (actor === undefined) throw refused('gov_signer', 'the signer is not an active actor who may do this')
  const algorithms = verifiedAlgorithms(envelope, named, actor)
  const isPq = algorithms.has('ml-dsa-87')
  if (state.sections.pq.require_on && !isPq) throw refused('gov_pq', 'while post-quantum signatures are required, every governance signature also carries ML-DSA-87')
  return { actor, isPq }
}
