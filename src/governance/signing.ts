import { createPrivateKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { canonicalJson } from '../core/digest.ts'
import { actorId, type Actor, type Algorithm, type PublicKeys, type Role } from './actor.ts'
import { pae, payloadOf, payloadTypeOf, type Envelope } from './envelope.ts'

/** What a signer's key is made of: the seeds of both keys, 32 bytes each. Never logged. */
export interface Seeds { readonly ed25519: Uint8Array, readonly mlDsa87?: Uint8Array }

/** Private keys that sign in an actor's name. */
export interface SigningKeys {
  readonly id: string
  readonly publicKeys: PublicKeys
  readonly privateKeys: ReadonlyMap<Algorithm, KeyObject>
}

export function generateSeeds (options: { readonly isPq: boolean }): Seeds {
  const ed25519 = seedOf('d', generateKeyPairSync('ed25519').privateKey)
  return options.isPq ? { ed25519, mlDsa87: seedOf('priv', generateKeyPairSync('ml-dsa-87').privateKey) } : { ed25519 }
}

/** The keys that seeds stand for: the same seeds, the same keys. */
export function toSigningKeys ({ ed25519, mlDsa87 }: Seeds): SigningKeys {
  // RFC 8410 and RFC 9881: a PKCS #8 that holds nothing but the seed; the public key is derived from it.
  const edKey = createPrivateKey({ format: 'der', type: 'pkcs8', key: Buffer.concat([PKCS8_ED25519, ed25519]) })
  const privateKeys = new Map<Algorithm, KeyObject>([['ed25519', edKey]])
  let publicKeys: PublicKeys = { ed25519: edKey.export({ format: 'jwk' }).x ?? '' }
  if (mlDsa87 !== undefined) {
    const mlKey = createPrivateKey({ format: 'der', type: 'pkcs8', key: Buffer.concat([PKCS8_ML_DSA_87_SEED, mlDsa87]) })
    privateKeys.set('ml-dsa-87', mlKey)
    publicKeys = { ...publicKeys, ml_dsa_87: (mlKey.export({ format: 'jwk' }) as { pub?: string }).pub ?? '' }
  }
  return { id: actorId(publicKeys), publicKeys, privateKeys }
}

export function toActor ({ id, publicKeys }: SigningKeys, role: Role): Actor {
  return { id, role, ...publicKeys, status: 'active' }
}

/** A statement signed by one actor. The caller has built the body in the form of its kind. */
export function signStatement (kind: string, body: object, keys: SigningKeys): Envelope {
  return addSignatures(unsignedStatement(kind, body), keys)
}

/** A statement that nobody has signed yet, in the one form that can be signed. */
export function unsignedStatement (kind: string, body: object): Envelope {
  return { payloadType: payloadTypeOf(kind), payload: Buffer.from(canonicalJson(body)).toString('base64'), signatures: [] }
}

/** The envelope with one more actor's signatures, by every key that actor has. */
export function addSignatures (envelope: Envelope, { id, privateKeys }: SigningKeys): Envelope {
  const message = pae(envelope.payloadType, payloadOf(envelope))
  const added = [...privateKeys].map(([algorithm, key]) => ({ keyid: `${id}/${algorithm}`, sig: sign(null, message, key).toString('base64') }))
  return { ...envelope, signatures: [...envelope.signatures, ...added] }
}

const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')
const PKCS8_ML_DSA_87_SEED = Buffer.from('3034020100300b060960864801650304031304228020', 'hex')

function seedOf (member: 'd' | 'priv', key: KeyObject): Uint8Array {
  const jwk = key.export({ format: 'jwk' }) as Record<string, string>
  return Buffer.from(jwk[member] ?? '', 'base64url')
}
