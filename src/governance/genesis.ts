import type { Actor } from './actor.ts'
import { claimedSigners, verifiedAlgorithms, type Envelope } from './envelope.ts'
import type { Ledger } from './ledger.ts'
import { refused } from './refusal.ts'
import { parseGenesis, type Genesis } from './statement.ts'
import { must } from './sections/rules.ts'
import { checkState } from './state.ts'

/**
 * The ledger that a genesis begins. Every actor and every recovery key in it must have signed it, by every key it has.
 * @throws {DhtError} with the reason it is no genesis
 */
export function found (value: unknown): Ledger {
  const { envelope, genesis } = parseGenesis(value)
  checkGenesis(genesis)
  const [missing] = missingSigners(envelope, genesis)
  if (missing !== undefined) throw refused('gov_quorum', `${missing.id} has not signed the genesis`)
  return { state: genesis.state, time: genesis.created_at, nextAlias: 1, proposals: new Map(), disputes: new Map(), obligations: new Map() }
}

/** @throws {DhtError} gov_rule for a genesis that no signatures could make one */
export function checkGenesis ({ state, created_at: time }: Genesis): void {
  const { charter, overrides, freezes } = state.sections
  must(state.epoch === 0, 'a genesis has epoch 0')
  must(overrides.active.length === 0 && freezes.active.length === 0, 'a genesis has no overrides or freezes')
  must(charter.actors.every(({ status }) => status === 'active'), 'a genesis has active actors only')
  checkState(state, time)
}

/**
 * Who has yet to sign, of all actors and recovery keys.
 * @throws {DhtError} gov_signer, gov_signature, gov_pq when a signature that is there is not as it must be
 */
export function missingSigners (envelope: Envelope, { state: { sections: { charter } } }: Genesis): readonly Actor[] {
  const signers = [...charter.actors, ...charter.recovery.keys]
  const claimed = claimedSigners(envelope)
  if (claimed.some(id => !signers.some(actor => actor.id === id))) throw refused('gov_signer', 'someone signed who is not in the charter')
  for (const actor of signers.filter(({ id }) => claimed.includes(id))) {
    const verified = verifiedAlgorithms(envelope, actor.id, actor)
    if (actor.ml_dsa_87 !== undefined && !verified.has('ml-dsa-87')) throw refused('gov_pq', `${actor.id} has not signed the genesis by ML-DSA-87`)
  }
  return signers.filter(({ id }) => !claimed.includes(id))
}
