import { ALGORITHMS, HEX_32, isSignedBy, type Algorithm, type PublicKeys } from './actor.ts'
import { form, list, object, oneOf, text, type Form, type JsonSchema, type Of } from './form.ts'
import { refused } from './refusal.ts'

/** With its signatures in base64 a statement still fits an audit entry of 65,535 bytes. */
export const MAX_PAYLOAD_BYTES = 32 * 1024
/** A genesis lists every key. It is a file of its own, which the log names by digest. */
export const MAX_GENESIS_BYTES = 512 * 1024
/** Two for each of 64 signers. */
const MAX_SIGNATURES = 128
const TYPE_PREFIX = 'application/vnd.svc-dht.governance'

const signature = object({ keyid: text(80, /^[0-9a-f]{64}\/(ed25519|ml-dsa-87)$/), sig: text(6200) })
const shape = object({ payloadType: text(128), payload: text(Math.ceil(MAX_GENESIS_BYTES / 3) * 4), signatures: list(signature, MAX_SIGNATURES) })

/** A DSSE envelope. `keyid` is `<actor id>/<algorithm>`. */
export type Envelope = Of<typeof shape>

/** A signed envelope, as `draft` reads it. */
export const envelope: Form<Envelope> = form(envelopeSchema(1), (value, path) => {
  const parsed = draft(value, path)
  if (parsed.signatures.length === 0) throw refused('gov_signature', `${path} carries no signature`)
  return parsed
})

/** An envelope whose texts are the one base64 of their bytes, and that names no key twice. It may have no signature yet. */
export const draft: Form<Envelope> = form(envelopeSchema(0), (value, path) => {
  const parsed = shape(value, path)
  if (new Set(parsed.signatures.map(({ keyid }) => keyid)).size !== parsed.signatures.length) {
    throw refused('gov_duplicate', `${path} carries two signatures of one key`)
  }
  toBytes(parsed.payload, `${path}.payload`)
  for (const { keyid, sig } of parsed.signatures) {
    if (toBytes(sig, `${path}.signatures.sig`).byteLength !== ALGORITHMS[splitKeyId(keyid).algorithm].signatureBytes) {
      throw refused('gov_signature', `${path} carries a signature of the wrong size`)
    }
  }
  return parsed
})

/** The shape, base64 in its one form, and each algorithm's size. That no key signs twice is beyond a schema. */
function envelopeSchema (minItems: number): JsonSchema {
  const quads = '[A-Za-z0-9+/]'
  const last = { 0: '', 1: `${quads}[AQgw]==`, 2: `${quads}{2}[AEIMQUYcgkosw048]=` }
  const ofSize = (bytes: number): string => `^${quads}{${Math.floor(bytes / 3) * 4}}${last[bytes % 3 as 0 | 1 | 2]}$`
  const { properties } = shape.schema as { readonly properties: Readonly<Record<string, JsonSchema>> }
  return {
    ...shape.schema,
    properties: {
      ...properties,
      payload: { type: 'string', maxLength: properties['payload']?.['maxLength'], pattern: `^(?:${quads}{4})*(?:${last[1]}|${last[2]})?$` },
      signatures: {
        ...properties['signatures'],
        minItems,
        items: {
          ...signature.schema,
          anyOf: Object.entries(ALGORITHMS).map(([name, { signatureBytes }]) => ({
            properties: { keyid: { type: 'string', pattern: `/${name}$` }, sig: { type: 'string', pattern: ofSize(signatureBytes) } },
          })),
        },
      },
    },
  }
}

/** DSSE's pre-authentication encoding: what is signed, so that a payload of one type never passes for another's. */
export function pae (payloadType: string, payload: Uint8Array): Buffer {
  const type = Buffer.from(payloadType)
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.byteLength} `), type, Buffer.from(` ${payload.byteLength} `), payload])
}

/** The payload type of a kind of statement. */
export function payloadTypeOf (kind: string): string {
  return `${TYPE_PREFIX}.${kind}.v1+json`
}

export function payloadOf ({ payload }: Envelope): Buffer {
  return Buffer.from(payload, 'base64')
}

/** The ids of the actors that the envelope says signed it. What they say is not checked yet. */
export function claimedSigners ({ signatures }: Envelope): readonly string[] {
  return [...new Set(signatures.map(({ keyid }) => splitKeyId(keyid).actorId))]
}

/**
 * The algorithms by which one actor signed these exact bytes.
 * @throws {DhtError} gov_signature when any signature in its name is not its own, or the Ed25519 one is missing
 */
export function verifiedAlgorithms (signed: Envelope, actorId: string, keys: PublicKeys): ReadonlySet<Algorithm> {
  const message = pae(signed.payloadType, payloadOf(signed))
  const verified = new Set<Algorithm>()
  for (const { keyid, sig } of signed.signatures) {
    const claimed = splitKeyId(keyid)
    if (claimed.actorId !== actorId) continue
    if (!isSignedBy(keys, claimed.algorithm, message, Buffer.from(sig, 'base64'))) {
      throw refused('gov_signature', `the ${claimed.algorithm} signature of ${actorId} is not over these bytes`)
    }
    verified.add(claimed.algorithm)
  }
  if (!verified.has('ed25519')) throw refused('gov_signature', `${actorId} has no Ed25519 signature here`)
  return verified
}

const algorithm = oneOf('ed25519', 'ml-dsa-87')
const idForm = text(64, HEX_32)

function splitKeyId (keyid: string): { actorId: string, algorithm: Algorithm } {
  const [id, name] = keyid.split('/', 2)
  return { actorId: idForm(id, 'keyid'), algorithm: algorithm(name, 'keyid') }
}

function toBytes (base64: string, path: string): Buffer {
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64') !== base64) throw refused('gov_schema', `${path} must be base64`)
  return bytes
}
