import { generateKeyPairSync } from 'node:crypto'

/** The key behind the daemon's peer ID, as the transports need it. Never logged, never in a message. */
export interface IdentityKey {
  /** Ed25519: 32 bytes of seed, 32 bytes of public key. */
  ed25519Key (): Uint8Array
}

/** A new identity that is gone with the process. */
export function createEphemeralIdentity (): IdentityKey {
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  const key = Buffer.concat([Buffer.from(jwk.d ?? '', 'base64url'), Buffer.from(jwk.x ?? '', 'base64url')])
  return { ed25519Key: () => key }
}
