import { createPublicKey, verify, type KeyObject } from 'node:crypto'
import { digestOf } from './digest.ts'
import { form, object, oneOf, optional, text, type Form, type Of } from './form.ts'
import { refused } from './refusal.ts'

export const HEX_32 = /^[0-9a-f]{64}$/

/** Signature algorithms of governance; ML-DSA-87 is FIPS 204's. The size is that of a signature. */
export const ALGORITHMS = {
  ed25519: { keyBytes: 32, signatureBytes: 64 },
  'ml-dsa-87': { keyBytes: 2592, signatureBytes: 4627 },
} as const
export type Algorithm = keyof typeof ALGORITHMS

/** owner arbitrates · ops executes · security approves · auditor reads and disputes. */
const role = oneOf('owner', 'ops', 'security', 'auditor')
export type Role = Of<typeof role>

/** Raw public keys in base64url, as JWK has them. */
const publicKeys = { ed25519: keyText('ed25519'), ml_dsa_87: optional(keyText('ml-dsa-87')) }
const shape = object({ id: text(64, HEX_32), role, ...publicKeys, status: oneOf('active', 'revoked') })
export type Actor = Of<typeof shape>

export type PublicKeys = Pick<Actor, 'ed25519' | 'ml_dsa_87'>

/** An actor whose id is that of its keys: nobody can choose an id. */
export const actor: Form<Actor> = form(shape.schema, (value, path) => {
  const parsed = shape(value, path)
  if (parsed.id !== actorId(parsed)) throw refused('gov_schema', `${path}.id is not the digest of its public keys`)
  return parsed
})

/** An actor's id is the digest of its public keys, and so of nothing that a signer could vary. */
export function actorId ({ ed25519, ml_dsa_87: mlDsa87 }: PublicKeys): string {
  return digestOf('actor', mlDsa87 === undefined ? { ed25519 } : { ed25519, ml_dsa_87: mlDsa87 })
}

/** The raw keys an actor signs with; two actors may share none. */
export function rawKeys ({ ed25519, ml_dsa_87: mlDsa87 }: PublicKeys): readonly string[] {
  return mlDsa87 === undefined ? [ed25519] : [ed25519, mlDsa87]
}

/** Whether the actor's key of that algorithm made the signature; false too where it has no such key. */
export function isSignedBy (actor: PublicKeys, algorithm: Algorithm, message: Uint8Array, signature: Uint8Array): boolean {
  const key = publicKeyOf(actor, algorithm)
  return key !== undefined && verify(null, message, key, signature)
}

function publicKeyOf ({ ed25519, ml_dsa_87: mlDsa87 }: PublicKeys, algorithm: Algorithm): KeyObject | undefined {
  if (algorithm === 'ed25519') return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: ed25519 } })
  if (mlDsa87 === undefined) return undefined
  return createPublicKey({ format: 'jwk', key: { kty: 'AKP', alg: 'ML-DSA-87', pub: mlDsa87 } })
}

/** The one base64url text of a key's bytes. */
function keyText (algorithm: Algorithm): Form<string> {
  const { keyBytes } = ALGORITHMS[algorithm]
  return form({ type: 'string', pattern: base64urlPattern(keyBytes) }, (value, path) => {
    const bytes = typeof value === 'string' && value.length < keyBytes * 2 ? Buffer.from(value, 'base64url') : undefined
    if (bytes?.byteLength !== keyBytes || bytes.toString('base64url') !== value) {
      throw refused('gov_schema', `${path} must be an ${algorithm} public key in base64url`)
    }
    return value as string
  })
}

/** Exactly the texts of so many bytes: the bits that the last character has too many are zero. */
function base64urlPattern (sizeBytes: number): string {
  const rest = { 0: '', 1: '[\\w-][AQgw]', 2: '[\\w-]{2}[AEIMQUYcgkosw048]' }[sizeBytes % 3 as 0 | 1 | 2]
  return `^[\\w-]{${Math.floor(sizeBytes / 3) * 4}}${rest}$`
}
