import { canonicalJson } from '../core/digest.ts'
import { HEX_32 } from './actor.ts'
import { MAX_GENESIS_BYTES, MAX_PAYLOAD_BYTES, envelope as envelopeForm, payloadOf, payloadTypeOf, type Envelope } from './envelope.ts'
import { anyObject, integer, list, object, oneOf, optional, text, type Form, type Of } from './form.ts'
import { refused } from './refusal.ts'
import { sectionName, stateForm } from './state.ts'

const time = integer(0, Number.MAX_SAFE_INTEGER)
const digest = text(64, HEX_32)
const words = text(2048, /^[^\0]*\S[^\0]*$/u)

/** Signals that a canary can watch. */
const signal = oneOf('lookup_p95', 'reject_ratio', 'readiness')

const common = { network_id: text(64, /^[0-9a-f]{32}$/), actor: digest, created_at: time }
const aboutProposal = { ...common, proposal_id: digest, reason: words }

/** Each kind of statement that an actor signs, by its fields. Each has a payload type of its own. */
const FORMS = {
  proposal: object({
    schema: schemaOf('proposal'),
    ...common,
    service: oneOf('svc-dht'),
    section: sectionName,
    base_digest: digest,
    /** In the form of the section's changes, which is checked with the section. */
    change: anyObject,
    /** Whose signatures it needs: the quorum's, the emergency quorum's, or the recovery set's. */
    authority: oneOf('quorum', 'emergency', 'recovery'),
    reason: words,
    risk: words,
    /** How to go back, and for how long after promotion the proposal itself allows it. */
    rollback: object({ plan: words, within_ms: integer(0, 86_400_000) }),
    watch: list(signal, 3),
    expires_at: time,
    /** The lapsed proposal or escalated dispute that it takes up again. */
    escalates: optional(digest),
  }),
  approval: object({ schema: schemaOf('approval'), ...common, proposal_id: digest }),
  veto: object({ schema: schemaOf('veto'), ...aboutProposal }),
  execution: object({ schema: schemaOf('execution'), ...aboutProposal }),
  promotion: object({ schema: schemaOf('promotion'), ...aboutProposal }),
  rollback: object({ schema: schemaOf('rollback'), ...aboutProposal }),
  dispute: object({
    schema: schemaOf('dispute'),
    ...common,
    subject: text(80, /^(proposal:[0-9a-f]{64}|audit:\d{1,15})$/),
    summary: words,
    evidence: list(words, 16),
    requested_override: words,
    impact: words,
    contacts: words,
  }),
  resolution: object({ schema: schemaOf('resolution'), ...common, dispute_id: digest, outcome: words }),
  fulfilment: object({ schema: schemaOf('fulfilment'), ...common, obligation_id: text(96), link: words }),
} as const

export type StatementKind = keyof typeof FORMS
export type StatementOf<K extends StatementKind> = Of<typeof FORMS[K]>
export type Proposal = StatementOf<'proposal'>
/** A statement told apart by its kind, with its id: the SHA-256 of its payload. */
export type Statement = { [K in StatementKind]: { readonly kind: K, readonly body: StatementOf<K> } }[StatementKind]

/** The genesis: the first state, which every signer and every recovery key in it signs. */
export const genesisForm = object({ schema: schemaOf('genesis'), created_at: time, state: stateForm })
export type Genesis = Of<typeof genesisForm>

/** Each kind of statement by its form. */
export const STATEMENT_FORMS: Readonly<Record<StatementKind, Form<unknown>>> = FORMS

const KINDS = new Map((Object.keys(FORMS) as StatementKind[]).map(kind => [payloadTypeOf(kind), kind]))

/**
 * The statement in an envelope. Nobody's signature is checked yet.
 * @throws {DhtError} gov_schema for anything but exactly one canonical JSON of a known kind and version
 */
export function parseStatement (value: unknown): { readonly envelope: Envelope, readonly statement: Statement } {
  const envelope = envelopeForm(value, 'envelope')
  return { envelope, statement: statementOf(envelope) }
}

/** The statement in an envelope that may have no signature yet. @throws {DhtError} as parseStatement */
export function statementOf (envelope: Envelope): Statement {
  const kind = KINDS.get(envelope.payloadType)
  if (kind === undefined) throw refused('gov_schema', 'the payload type is not one of governance')
  return { kind, body: parsePayload<unknown>(envelope, FORMS[kind], MAX_PAYLOAD_BYTES) } as Statement
}

/** @throws {DhtError} as parseStatement */
export function parseGenesis (value: unknown): { readonly envelope: Envelope, readonly genesis: Genesis } {
  const envelope = envelopeForm(value, 'envelope')
  return { envelope, genesis: genesisIn(envelope) }
}

/** The genesis in an envelope that may have no signature yet. @throws {DhtError} as parseStatement */
export function genesisIn (envelope: Envelope): Genesis {
  if (!isGenesis(envelope)) throw refused('gov_schema', 'the payload type is not that of a genesis')
  return parsePayload(envelope, genesisForm, MAX_GENESIS_BYTES)
}

export function isGenesis ({ payloadType }: Envelope): boolean {
  return payloadType === payloadTypeOf('genesis')
}

function parsePayload<T> (envelope: Envelope, form: Form<T>, maxBytes: number): T {
  const bytes = payloadOf(envelope)
  if (bytes.byteLength > maxBytes) throw refused('gov_size', `the payload has more than ${maxBytes} bytes`)
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (cause) {
    throw refused('gov_schema', 'the payload is not JSON', { cause })
  }
  const body = form(json, 'payload')
  // Only one text for one statement: no double fields, no other number forms, no spare spaces.
  if (canonicalJson(json) !== bytes.toString('utf8')) throw refused('gov_schema', 'the payload is not RFC 8785 canonical JSON')
  return body
}

/** Which schema a kind has at this version; an unknown one is refused. */
function schemaOf<const K extends string> (kind: K): Form<`svc-dht/governance/${K}/1`> {
  return oneOf(`svc-dht/governance/${kind}/1` as const)
}
