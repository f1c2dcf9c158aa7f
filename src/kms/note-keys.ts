import { createPrivateKey, createPublicKey, generateKeyPairSync, hkdfSync, sign, type KeyObject } from 'node:crypto'
import type { IdentityKey } from './identity.ts'

/** A key that signs notes: Ed25519 (0x01) or ML-DSA-44 (0x06). */
export interface NoteKey {
  readonly name: string
  readonly type: 0x01 | 0x06
  readonly publicKey: Uint8Array
  sign (message: Uint8Array): Uint8Array
}

const TYPES = [{ type: 0x01, algorithm: 'ed25519' }, { type: 0x06, algorithm: 'ml-dsa-44' }] as const
const SEED_BYTES = 32
const PKCS8 = { ed25519: '302e020100300506032b657004220420', 'ml-dsa-44': '3034020100300b060960864801650304031104228020' } as const
const PUBLIC_BYTES = { ed25519: 32, 'ml-dsa-44': 1312 } as const

/** New keys that are gone with the process. */
export function createEphemeralNoteKeys (name: string): NoteKey[] {
  return TYPES.map(({ type, algorithm }) => toNoteKey(name, type, algorithm, algorithm === 'ed25519' ? generateKeyPairSync('ed25519').privateKey : generateKeyPairSync('ml-dsa-44').privateKey))
}

/** Keys that last as long as the identity does, each of its own by HKDF: neither tells anything of the identity or of the other. */
export function deriveNoteKeys (name: string, identity: IdentityKey): NoteKey[] {
  return deriveNoteKeysFrom(name, identity.ed25519Key().subarray(0, SEED_BYTES))
}

/** Keys derived from a secret that custody keeps for nothing else. */
export function deriveNoteKeysFrom (name: string, secret: Uint8Array): NoteKey[] {
  return TYPES.map(({ type, algorithm }) => {
    const seed = Buffer.from(hkdfSync('sha256', secret, '', `svc-dht audit log ${algorithm}`, SEED_BYTES))
    return toNoteKey(name, type, algorithm, createPrivateKey({ key: Buffer.concat([Buffer.from(PKCS8[algorithm], 'hex'), seed]), format: 'der', type: 'pkcs8' }))
  })
}

function toNoteKey (name: string, type: NoteKey['type'], algorithm: keyof typeof PUBLIC_BYTES, key: KeyObject): NoteKey {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return { name, type, publicKey: spki.subarray(spki.byteLength - PUBLIC_BYTES[algorithm]), sign: message => sign(null, message, key) }
}
