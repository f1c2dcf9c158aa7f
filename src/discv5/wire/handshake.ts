import { createHash, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import type { Secp256k1 } from '../secp256k1.ts'

const KEY_AGREEMENT = Buffer.from('discovery v5 key agreement')
const ID_PROOF = Buffer.from('discovery v5 identity proof')
const KEY_BYTES = 16

export interface SessionKeys {
  /** Encrypts what the side that sent the handshake sends. */
  readonly initiator: KeyObject
  readonly recipient: KeyObject
}

interface KeyInputs {
  /** The ephemeral key of one side with the static or ephemeral key of the other. */
  readonly publicKey: Uint8Array
  readonly privateKey: Uint8Array
  readonly initiatorId: Uint8Array
  readonly recipientId: Uint8Array
  readonly challengeData: Uint8Array
}

/** discv5 theory, § Handshake steps. @throws when the public key is no point of the curve */
export function deriveKeys (inputs: KeyInputs, secp256k1: Secp256k1): SessionKeys {
  const secret = secp256k1.sharedPoint(inputs.publicKey, inputs.privateKey)
  const info = Buffer.concat([KEY_AGREEMENT, inputs.initiatorId, inputs.recipientId])
  // As a key object: for bytes Node first finds out, slowly, that they are none.
  const both = Buffer.from(hkdfSync('sha256', createSecretKey(secret), inputs.challengeData, info, 2 * KEY_BYTES))
  return { initiator: createSecretKey(both.subarray(0, KEY_BYTES)), recipient: createSecretKey(both.subarray(KEY_BYTES)) }
}

/** What the side that sends the handshake signs with its static key. */
export function idProofDigest (challengeData: Uint8Array, ephemeralKey: Uint8Array, recipientId: Uint8Array): Buffer {
  return createHash('sha256').update(ID_PROOF).update(challengeData).update(ephemeralKey).update(recipientId).digest()
}
