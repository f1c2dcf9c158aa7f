import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { canonicalJson } from '../core/digest.ts'
import { DhtError } from '../core/errors.ts'
import { HEX_32, type Actor } from './actor.ts'
import { sha256 } from './digest.ts'
import { claimedSigners, type Envelope } from './envelope.ts'
import { integer, list, object, optional, text, type Of } from './form.ts'
import { statementId } from './ledger.ts'
import { genesisIn, isGenesis, statementOf, type Proposal } from './statement.ts'

/** A signer of ten changes a day fills it in three months; then what can no longer take effect goes first. */
const MAX_SIGNED = 1024
/** A genesis replaces nothing. */
const NO_BASE = '0'.repeat(64)

const time = integer(0, Number.MAX_SAFE_INTEGER)
const digest = text(64, HEX_32)

/** The change that a signature speaks for: of two on one base only one can ever hold. */
const stand = object({ section: text(32), base_digest: digest, proposal_id: digest, expires_at: optional(time) })
const signed = object({ at: time, kind: text(32), id: digest, network_id: text(64), stand: optional(stand), instead_of: optional(digest) })

/** One statement that a key has signed. */
export type Signed = Of<typeof signed>
/** Oldest first. */
export type SignerMemory = readonly Signed[]
export const memoryForm = list(signed, MAX_SIGNED)

/** What is to be signed. An approval comes with the proposal that it is about, so that the key knows its base. */
export interface ToSign {
  /** With the signatures that it has so far: none, but for a genesis. */
  readonly envelope: Envelope
  readonly proposal?: Proposal
  /** The proposal signed earlier on the same base, which the signer gives up for this one. */
  readonly insteadOf?: string
}

/**
 * The entry that signing would leave.
 * @throws {DhtError} gov_schema for what is no statement, BadRequest for one that names another actor, or an approval of an unknown proposal
 */
export function toSigned ({ envelope, proposal, insteadOf }: ToSign, { id: actorId, role }: Pick<Actor, 'id' | 'role'>, now: number): Signed {
  const id = statementId(envelope)
  if (claimedSigners(envelope).includes(actorId)) throw new DhtError('Conflict', 'This key has signed it already.')
  const left = insteadOf === undefined ? {} : { instead_of: digest(insteadOf, 'instead_of') }
  if (isGenesis(envelope)) {
    const { state } = genesisIn(envelope)
    const { actors, recovery } = state.sections.charter
    const listed = [...actors, ...recovery.keys].find(actor => actor.id === actorId)
    if (listed === undefined) throw new DhtError('BadRequest', 'This key is not in the genesis.', { hint: 'Only its actors and recovery keys sign it.' })
    if (listed.role !== role) throw new DhtError('BadRequest', `The genesis lists this key as ${listed.role}, and it is one of ${role}.`)
    return { at: now, kind: 'genesis', id, network_id: state.network_id, stand: { section: 'genesis', base_digest: NO_BASE, proposal_id: id }, ...left }
  }
  const { kind, body } = statementOf(envelope)
  if (body.actor !== actorId) throw new DhtError('BadRequest', 'The statement names another actor than this key.', { hint: `It is for ${body.actor}.` })
  const about = kind === 'proposal' ? body : kind === 'approval' ? approved(body.proposal_id, body.network_id, proposal) : undefined
  if (about === undefined) return { at: now, kind, id, network_id: body.network_id }
  const { section, base_digest: base, expires_at: expiresAt } = about
  const proposalId = kind === 'approval' ? body.proposal_id : id
  return { at: now, kind, id, network_id: body.network_id, stand: { section, base_digest: base, proposal_id: proposalId, expires_at: expiresAt }, ...left }
}

/**
 * The memory with one more entry.
 * @throws {DhtError} Conflict when the key spoke for another change on the same base of the same network, and that one can still take effect
 */
export function remember (memory: SignerMemory, signed: Signed): SignerMemory {
  const entry = { ...signed, at: Math.max(signed.at, memory.at(-1)?.at ?? 0) } // a clock that went back brings nothing back
  const rival = rivalOf(memory, entry)
  if (rival?.stand !== undefined) {
    const { section, proposal_id: proposalId } = rival.stand
    const what = section === 'genesis' ? 'another genesis of this network' : `another proposal on the same base of ${section}`
    throw new DhtError('Conflict', `This key has signed ${what}: ${proposalId} (${rival.kind}, ${new Date(rival.at).toISOString()}).`, {
      hint: `Only if that one is not to take effect any more, sign with --instead-of ${proposalId}`,
    })
  }
  if (memory.length < MAX_SIGNED) return [...memory, entry]
  const idle = memory.findIndex(({ stand }) => stand === undefined || isOver(stand, entry.at))
  if (idle === -1) throw new DhtError('Backpressure', `This key has signed ${MAX_SIGNED} changes that can still take effect.`, { hint: 'Wait until some have expired.' })
  return [...memory.toSpliced(idle, 1), entry]
}

/** Binds a memory to its key: whoever cannot open the key cannot make it forget. */
export function macOf (memory: SignerMemory, actorId: string, seed: Uint8Array): string {
  const key = Buffer.from(hkdfSync('sha256', seed, '', 'svc-dht signer memory', 32))
  return createHmac('sha256', key).update(canonicalJson({ actor: actorId, signed: memory })).digest('hex')
}

/** In constant time. The caller has checked that `mac` is 64 hex digits. */
export function isMacOf (mac: string, memory: SignerMemory, actorId: string, seed: Uint8Array): boolean {
  return timingSafeEqual(Buffer.from(mac, 'hex'), Buffer.from(macOf(memory, actorId, seed), 'hex'))
}

function rivalOf (memory: SignerMemory, { stand: mine, network_id: networkId, at, instead_of: left }: Signed): Signed | undefined {
  if (mine === undefined) return undefined
  const givenUp = new Set([left, ...memory.map(({ instead_of: earlier }) => earlier)])
  return memory.findLast(({ stand, network_id: other }) =>
    stand !== undefined && other === networkId && stand.base_digest === mine.base_digest && stand.proposal_id !== mine.proposal_id &&
    !givenUp.has(stand.proposal_id) && !isOver(stand, at))
}

/** An expired proposal is neither executed nor promoted by any daemon. */
function isOver ({ expires_at: expiresAt }: NonNullable<Signed['stand']>, at: number): boolean {
  return expiresAt !== undefined && at >= expiresAt
}

function approved (id: string, networkId: string, proposal: Proposal | undefined): Proposal {
  const isIt = proposal !== undefined && sha256(Buffer.from(canonicalJson(proposal))) === id && proposal.network_id === networkId
  if (!isIt) throw new DhtError('BadRequest', 'What is shown is not the proposal that the approval names.', { hint: 'An approval is over the exact bytes of its proposal.' })
  return proposal
}
