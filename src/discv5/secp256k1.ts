import { createHmac, createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import * as noble from '@noble/secp256k1'

/** The five curve operations that discv5 needs. Keys and points are compressed (33 bytes), signatures `r ‖ s` (64 bytes). */
export interface Secp256k1 {
  readonly name: 'secp256k1-native' | 'secp256k1-noble'
  publicKey (privateKey: Uint8Array): Uint8Array
  isPrivateKey (privateKey: Uint8Array): boolean
  /** Deterministic (RFC 6979), low s. */
  sign (digest: Uint8Array, privateKey: Uint8Array): Uint8Array
  /** False for anything that is not a valid signature by that key, high s included. */
  verify (signature: Uint8Array, digest: Uint8Array, publicKey: Uint8Array): boolean
  /** `x ‖ y`, 64 bytes. @throws when it is no point of the curve */
  coordinates (publicKey: Uint8Array): Uint8Array
  /** The Diffie-Hellman point, compressed. @throws when `publicKey` is no point of the curve */
  sharedPoint (publicKey: Uint8Array, privateKey: Uint8Array): Uint8Array
}

/** libsecp256k1 where npm has it built for this machine, else the JavaScript one, some forty times slower. */
export function loadSecp256k1 (): Secp256k1 {
  try {
    return nativeSecp256k1()
  } catch {
    return nobleSecp256k1() // no prebuilt library for this machine: `features` tells the operator
  }
}

/** The part of npm `secp256k1` that is used. */
interface Binding {
  publicKeyCreate (privateKey: Uint8Array, compressed: boolean): Uint8Array
  privateKeyVerify (privateKey: Uint8Array): boolean
  publicKeyConvert (publicKey: Uint8Array, compressed: boolean): Uint8Array
  publicKeyTweakMul (publicKey: Uint8Array, tweak: Uint8Array, compressed: boolean): Uint8Array
  ecdsaSign (digest: Uint8Array, privateKey: Uint8Array): { readonly signature: Uint8Array }
  ecdsaVerify (signature: Uint8Array, digest: Uint8Array, publicKey: Uint8Array): boolean
}

/** @throws when there is no prebuilt library; the package's own index would fall back to a slow one without a word */
export function nativeSecp256k1 (): Secp256k1 {
  const binding = createRequire(import.meta.url)('secp256k1/bindings.js') as Binding
  return {
    name: 'secp256k1-native',
    publicKey: privateKey => binding.publicKeyCreate(privateKey, true),
    isPrivateKey: privateKey => privateKey.byteLength === 32 && binding.privateKeyVerify(privateKey),
    sign: (digest, privateKey) => binding.ecdsaSign(digest, privateKey).signature,
    verify (signature, digest, publicKey) {
      try {
        return binding.ecdsaVerify(signature, digest, publicKey)
      } catch {
        return false // r, s or the key are out of range
      }
    },
    coordinates: publicKey => binding.publicKeyConvert(publicKey, false).subarray(1),
    sharedPoint: (publicKey, privateKey) => binding.publicKeyTweakMul(publicKey, privateKey, true),
  }
}

export function nobleSecp256k1 (): Secp256k1 {
  noble.hashes.sha256 = message => createHash('sha256').update(message).digest() as Uint8Array<ArrayBuffer>
  noble.hashes.hmacSha256 = (key, message) => createHmac('sha256', key).update(message).digest() as Uint8Array<ArrayBuffer>
  return {
    name: 'secp256k1-noble',
    publicKey: privateKey => noble.getPublicKey(privateKey, true),
    isPrivateKey: privateKey => noble.utils.isValidSecretKey(privateKey),
    sign: (digest, privateKey) => noble.sign(digest, privateKey, { prehash: false }),
    verify (signature, digest, publicKey) {
      try {
        return noble.verify(signature, digest, publicKey, { prehash: false, lowS: true })
      } catch {
        return false
      }
    },
    coordinates: publicKey => noble.Point.fromBytes(publicKey).toBytes(false).subarray(1),
    sharedPoint: (publicKey, privateKey) => noble.getSharedSecret(privateKey, publicKey, true),
  }
}
