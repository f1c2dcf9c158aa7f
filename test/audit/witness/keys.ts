import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { subtreeMessage, type Checkpoint } from '../../../src/audit/format/checkpoint.ts'
import { formatSignatureLine, formatVerifierKey, type VerifierKey } from '../../../src/audit/format/note.ts'

/** A key of a witness: Ed25519 (0x04) or ML-DSA-44 (0x06). */
export interface WitnessKey extends VerifierKey {
  readonly vkey: string
  /** The signature line over a checkpoint, at a time in seconds. */
  cosign (checkpoint: Checkpoint, seconds: number): string
}

export function createWitnessKey (name: string, type: 0x04 | 0x06 = 0x04): WitnessKey {
  const privateKey: KeyObject = type === 0x04 ? generateKeyPairSync('ed25519').privateKey : generateKeyPairSync('ml-dsa-44').privateKey
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  const key: VerifierKey = { name, type, publicKey: spki.subarray(spki.byteLength - (type === 0x04 ? 32 : 1312)) }
  return {
    ...key,
    vkey: formatVerifierKey(key),
    cosign: (checkpoint, seconds) => {
      const time = Buffer.alloc(8)
      time.writeBigUInt64BE(BigInt(seconds))
      const message = type === 0x04 ? Buffer.from(`cosignature/v1\ntime ${seconds}\n${checkpoint.text}`) : subtreeMessage(name, seconds, checkpoint)
      return formatSignatureLine(key, Buffer.concat([time, sign(null, message, privateKey)]))
    },
  }
}
