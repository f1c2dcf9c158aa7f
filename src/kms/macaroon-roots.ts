import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'

/**
 * The root keys of macaroons, which never leave custody. Each version is one secret, and every grant has a root key of its own
 * under it: HMAC(version's secret, root key id). So grants need no file each, and none tells anything of another.
 */
export interface MacaroonRoots {
  /** The version under which new grants are minted. */
  readonly current: number
  /**
   * The signature that a macaroon's chain begins with.
   * @throws {Error} when there is no such version
   */
  firstSignature (version: number, rootKeyId: string, identifier: Uint8Array): Uint8Array
}

export const ROOT_SECRET_BYTES = 32
const KEY_GENERATOR = createSecretKey(Buffer.concat([Buffer.from('macaroons-key-generator'), Buffer.alloc(9)]))

/** The signature of a macaroon with this identifier and no caveat yet: its root key is derived from the secret, and is nowhere else. */
export function firstSignatureUnder (secret: KeyObject, rootKeyId: string, identifier: Uint8Array): Uint8Array {
  return hmac(createSecretKey(deriveMacaroonKey(hmac(secret, Buffer.from(`svc-dht macaroon root key ${rootKeyId}`)))), identifier)
}

/** libmacaroons: the key of the chain's first step, from a root key of any length. */
export function deriveMacaroonKey (rootKey: Uint8Array): Buffer {
  return hmac(KEY_GENERATOR, rootKey)
}

function hmac (key: KeyObject, bytes: Uint8Array): Buffer {
  return createHmac('sha256', key).update(bytes).digest()
}
