import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { writeNewFile } from '../kms/private-file.ts'
import { open, readPassphrase, seal } from '../kms/sealed-file.ts'
import type { Secp256k1 } from './secp256k1.ts'

/** The secp256k1 key behind a node ID. Never logged, never in a message. */
export interface NodeKey {
  /** 32 bytes. */
  privateKey (): Uint8Array
}

const PURPOSE = 'discv5-node'

/** A new node ID that is gone with the process. */
export function createEphemeralNodeKey (secp256k1: Secp256k1): NodeKey {
  const key = generateKey(secp256k1)
  return { privateKey: () => key }
}

/**
 * The key sealed in a file; created with it when the file is not there yet.
 * @throws {Error} with a sentence for the operator, which names the file
 */
export async function openSealedNodeKey (keyFile: string, passphraseFile: string, secp256k1: Secp256k1): Promise<NodeKey> {
  const passphrase = readPassphrase(passphraseFile)
  try {
    if (!existsSync(keyFile)) writeNewFile(keyFile, await seal(PURPOSE, generateKey(secp256k1), passphrase))
    const key = await open(PURPOSE, readFileSync(keyFile, 'utf8'), passphrase)
    if (!secp256k1.isPrivateKey(key)) throw new Error('it does not hold a secp256k1 key')
    return { privateKey: () => key }
  } catch (cause) {
    throw new Error(`discv5.keyFile ${keyFile}: ${(cause as Error).message}`, { cause })
  }
}

function generateKey (secp256k1: Secp256k1): Uint8Array {
  for (;;) {
    const key = randomBytes(32)
    if (secp256k1.isPrivateKey(key)) return key
  }
}
