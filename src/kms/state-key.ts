import { hkdfSync } from 'node:crypto'
import type { IdentityKey } from './identity.ts'

const SEED_BYTES = 32

/** A key that lasts as long as the identity does, for sealing one kind of state on disk. Tells nothing of the identity. */
export function deriveStateKey (purpose: string, identity: IdentityKey): Uint8Array {
  return Buffer.from(hkdfSync('sha256', identity.ed25519Key().subarray(0, SEED_BYTES), '', `svc-dht state ${purpose}`, 32))
}
