import { claimedSigners, verifiedAlgorithms } from './envelope.ts'
import type { Ledger } from './ledger.ts'
import { refused } from './refusal.ts'
import { parseGenesis } from './statement.ts'
import { must } from './sections/rules.ts'
import { checkState } from './state.ts'

/**
 * The ledger that a genesis begins. Every actor and every recovery key in it must have signed it, by every key it has.
 * @throws {DhtError} with the reason it is no genesis
 */
export function found (value: unknown): Ledger {
  const { envelope, genesis: { state, created_at: time } } = parseGenesis(value)
  const { charter, overrides, freezes } = state.sections
  must(state.epoch === 0, 'a genesis has epoch 0')
  must(overrides.active.length === 0 && freezes.active.length === 0, 'a genesis has no overrides or freezes')
  must(charter.actors.every(({ status }) => status === 'active'), 'a genesis has active actors only')
  checkState(state, time)
  const signers = [...charter.actors, ...charter.recovery.keys]
  const claimed = claimedSigners(envelope)
  if (claimed.some(id => !signers.some(actor => actor.id === id))) throw refused('gov_signer', 'someone signed who is not in the charter')
  for (const actor of signers) {
    if (!claimed.includes(actor.id)) throw refused('gov_quorum', `${actor.id} has not signed the genesis`)
    const verified = verifiedAlgorithms(envelope, actor.id, actor)
    if (actor.ml_dsa_87 !== undefined && !verified.has('ml-dsa-87')) throw refused('gov_pq', `${actor.id} has not signed the genesis by ML-DSA-87`)
  }
  return { state, time, nextAlias: 1, proposals: new Map(), disputes: new Map(), obligations: new Map() }
}
