import { createHash } from 'node:crypto'
import type { DhtError } from '../../src/core/errors.ts'
import type { Role } from '../../src/governance/actor.ts'
import type { Envelope } from '../../src/governance/envelope.ts'
import { found } from '../../src/governance/genesis.ts'
import { statementId, type Ledger } from '../../src/governance/ledger.ts'
import type { Charter } from '../../src/governance/sections/charter.ts'
import { addSignatures, signStatement, toActor, toSigningKeys, type SigningKeys } from '../../src/governance/signing.ts'
import { NO_RULES } from '../../src/policy/policy.ts'
import { sectionDigest, type SectionName, type Sections, type State } from '../../src/governance/state.ts'
import { step } from '../../src/governance/step.ts'

export const START = Date.UTC(2026, 10, 2, 9) // a Monday
export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
export const NETWORK_ID = '00112233445566778899aabbccddeeff'

/** Keys from a name: the same in every run. */
export function keysOf (name: string, isPq = false): SigningKeys {
  const seed = (use: string): Buffer => createHash('sha256').update(`${use} ${name}`).digest()
  return toSigningKeys(isPq ? { ed25519: seed('ed'), mlDsa87: seed('ml') } : { ed25519: seed('ed') })
}

export interface Cast {
  readonly sec: readonly [SigningKeys, SigningKeys, SigningKeys]
  readonly ops: SigningKeys
  readonly owner: SigningKeys
  readonly auditor: SigningKeys
  readonly recovery: readonly [SigningKeys, SigningKeys, SigningKeys]
}

export function castOf (isPq = false): Cast {
  const k = (name: string): SigningKeys => keysOf(name, isPq)
  return { sec: [k('sec-1'), k('sec-2'), k('sec-3')], ops: k('ops'), owner: k('owner'), auditor: k('auditor'), recovery: [k('rec-1'), k('rec-2'), k('rec-3')] }
}

export function charterOf ({ sec, ops, owner, auditor, recovery }: Cast, changes: Partial<Charter> = {}): Charter {
  const actor = (keys: SigningKeys, role: Role) => toActor(keys, role)
  return {
    profile: 'macronode',
    actors: [...sec.map(keys => actor(keys, 'security')), actor(ops, 'ops'), actor(owner, 'owner'), actor(auditor, 'auditor')],
    quorum: 2,
    windows: { lapse_ms: DAY, canary_ms: 10 * MINUTE, freeze_ms: HOUR },
    recovery: { threshold: 2, keys: recovery.map(keys => actor(keys, 'owner')) },
    ...changes,
  }
}

export const PEER = '12D3KooWBootstrap111111111111'

export function stateOf (charter: Charter, sections: Partial<Sections> = {}): State {
  return {
    schema: 'svc-dht/governance/state/1',
    network_id: NETWORK_ID,
    epoch: 0,
    sections: {
      charter,
      members: { mode: 'off', nodes: [] },
      network: { concurrency: 3, disjoint_paths: 3, lookup_deadline_ms: 25_000, rpcs_per_peer_per_second: 500, rpcs_per_prefix_per_second: 2000 },
      providers: { ttl_ms: DAY, records: 1_000_000, records_per_peer: 100_000, records_per_prefix: 300_000, records_per_key: 1000 },
      policy: { profile: 'standard', allow: NO_RULES, deny: NO_RULES },
      bootstrap: { seeds: [{ fingerprint: PEER, endpoint: '/ip4/127.0.0.1/tcp/7460' }] },
      pq: { require_on: false },
      overrides: { active: [] },
      freezes: { active: [] },
      ...sections,
    },
  }
}

export function genesisOf (state: State, signers: readonly SigningKeys[]): Envelope {
  const [first, ...rest] = signers
  if (first === undefined) throw new Error('nobody signs')
  return rest.reduce(addSignatures, signStatement('genesis', { schema: 'svc-dht/governance/genesis/1', created_at: START, state }, first))
}

export function everyone ({ sec, ops, owner, auditor, recovery }: Cast): readonly SigningKeys[] {
  return [...sec, ops, owner, auditor, ...recovery]
}

/** A network that a test talks to: it keeps the ledger and the time. */
export class Network {
  readonly cast: Cast
  ledger: Ledger
  at = START

  constructor (options: { readonly isPq?: boolean, readonly charter?: Partial<Charter>, readonly sections?: Partial<Sections> } = {}) {
    this.cast = castOf(options.isPq)
    this.ledger = found(genesisOf(stateOf(charterOf(this.cast, options.charter), options.sections), everyone(this.cast)))
  }

  proposal (section: SectionName, change: object, more: Record<string, unknown> = {}, by: SigningKeys = this.cast.ops): Envelope {
    return signStatement('proposal', {
      schema: 'svc-dht/governance/proposal/1',
      network_id: NETWORK_ID,
      actor: by.id,
      created_at: this.at,
      service: 'svc-dht',
      section,
      base_digest: sectionDigest(this.ledger.state, section),
      change,
      authority: 'quorum',
      reason: 'eclipse risk',
      risk: 'fewer peers',
      rollback: { plan: 'the profile of before', within_ms: HOUR },
      watch: ['lookup_p95'],
      expires_at: this.at + 3 * DAY,
      ...more,
    }, by)
  }

  about (kind: string, id: string, by: SigningKeys, more: Record<string, unknown> = {}): Envelope {
    const reason = kind === 'approval' ? {} : { reason: 'agreed' }
    return signStatement(kind, { schema: `svc-dht/governance/${kind}/1`, network_id: NETWORK_ID, actor: by.id, created_at: this.at, proposal_id: id, ...reason, ...more }, by)
  }

  send (envelope: Envelope): string {
    this.ledger = step(this.ledger, { kind: 'statement', envelope }, this.at)
    return statementId(envelope)
  }

  propose (section: SectionName, change: object, more: Record<string, unknown> = {}, by?: SigningKeys): string {
    return this.send(this.proposal(section, change, more, by))
  }

  approve (id: string, ...by: readonly SigningKeys[]): void {
    for (const keys of by) this.send(this.about('approval', id, keys))
  }

  /** Through the whole lifecycle, as three honest people would. */
  enact (section: SectionName, change: object, more: Record<string, unknown> = {}): string {
    const id = this.propose(section, change, more)
    this.approve(id, this.cast.sec[0], this.cast.sec[1])
    this.send(this.about('execution', id, this.cast.ops))
    if (this.ledger.proposals.get(id)?.stage !== 'canary') return id
    this.at += 10 * MINUTE
    this.ledger = step(this.ledger, { kind: 'canary', proposalId: id, verdict: 'green' }, this.at)
    this.send(this.about('promotion', id, this.cast.ops))
    return id
  }

  stage (id: string): string | undefined {
    return this.ledger.proposals.get(id)?.stage
  }
}

/** The reason for which it is refused, or `accepted`. */
export function refusal (act: () => unknown): string {
  try {
    act()
    return 'accepted'
  } catch (err) {
    return (err as DhtError).reason ?? `not a refusal: ${(err as Error).message}`
  }
}
