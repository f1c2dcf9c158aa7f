import { generateKeyPairSync } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { writeNewFile } from './private-file.ts'
import { open, readPassphrase, seal } from './sealed-file.ts'

/** The key behind the daemon's peer ID, as the transports need it. Never logged, never in a message. */
export interface IdentityKey {
  /** Ed25519: 32 bytes of seed, 32 bytes of public key. */
  ed25519Key (): Uint8Array
}

const PURPOSE = 'libp2p-identity'
const KEY_BYTES = 64

/** A new identity that is gone with the process. */
export function createEphemeralIdentity (): IdentityKey {
  const key = generateKey()
  return { ed25519Key: () => key }
}

/**
 * The identity sealed in a file; created with it when the file is not there yet.
 * @throws {Error} with a sentence for the operator, which names the file
 */
export async function openSealedIdentity (keyFile: string, passphraseFile: string): Promise<IdentityKey> {
  const passphrase = readPassphrase(passphraseFile)
  try {
    if (!existsSync(keyFile)) writeNewFile(keyFile, await seal(PURPOSE, generateKey(), passphrase))
    const key = await open(PURPOSE, readFileSync(keyFile, 'utf8'), passphrase)
    if (key.byteLength !== KEY_BYTES) throw new Error('it does not hold an Ed25519 key')
    return { ed25519Key: () => key }
  } catch (cause) {
    throw new Error(`identity.keyFile ${keyFile}: ${(cause as Error).message}`, { cause })
  }
}

function generateKey (): Uint8Array {
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return Buffer.concat([Buffer.from(jwk.d ?? '', 'base64url'), Buffer.from(jwk.x ?? '', 'base64url')])
}
