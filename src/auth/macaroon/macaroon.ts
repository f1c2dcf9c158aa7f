import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto'
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import { deriveMacaroonKey } from '../../kms/macaroon-roots.ts'

/** A bearer token: whoever holds it can narrow it by a caveat, and nobody without the root key can widen it. */
export interface Macaroon {
  readonly location: string
  readonly identifier: Uint8Array
  /** At most {@link MAX_CAVEATS}. */
  readonly caveats: readonly MacaroonCaveat[]
  readonly signature: Uint8Array
}

export interface MacaroonCaveat {
  readonly identifier: Uint8Array
  /** Of a third-party caveat: where it is discharged, and the discharge's key sealed under the running signature. */
  readonly thirdParty?: { readonly location: string, readonly verificationId: Uint8Array }
}

export const MAX_CAVEATS = 64
export const SIGNATURE_BYTES = 32
/** How deep discharges may ask for discharges of their own. */
const MAX_DEPTH = 8
const NONCE_BYTES = 24
const TAG_BYTES = 16
const BINDING_KEY = Buffer.alloc(SIGNATURE_BYTES)

/** Why a macaroon was not believed. The message is for our log and tests; whoever sent it learns only that it was not. */
export class MacaroonError extends Error {
  override readonly name = 'MacaroonError'
}

/** A new macaroon without caveats, signed under the root key. */
export function mintMacaroon (rootKey: Uint8Array, identifier: Uint8Array, location: string): Macaroon {
  return beginMacaroon(hmac(deriveMacaroonKey(rootKey), identifier), identifier, location)
}

/** A new macaroon without caveats, whose first signature custody made. */
export function beginMacaroon (firstSignature: Uint8Array, identifier: Uint8Array, location: string): Macaroon {
  return { location, identifier, caveats: [], signature: firstSignature }
}

/** The macaroon, narrowed by one more condition. Needs no key. @throws {MacaroonError} when it is full */
export function attenuate (macaroon: Macaroon, condition: Uint8Array): Macaroon {
  return append(macaroon, { identifier: condition })
}

/** The macaroon, good only with a discharge minted under `caveatKey`. @throws {MacaroonError} when it is full */
export function attenuateByThirdParty (
  macaroon: Macaroon, caveatKey: Uint8Array, identifier: Uint8Array, location: string, nonce: Uint8Array = randomBytes(NONCE_BYTES),
): Macaroon {
  const box = xsalsa20poly1305(macaroon.signature, nonce).encrypt(deriveMacaroonKey(caveatKey))
  return append(macaroon, { identifier, thirdParty: { location, verificationId: Buffer.concat([nonce, box]) } })
}

/** The discharge, bound to the one macaroon it is sent with. */
export function bindDischarge (root: Macaroon, discharge: Macaroon): Macaroon {
  return { ...discharge, signature: boundSignature(root.signature, discharge.signature) }
}

/**
 * The conditions that must hold, of the macaroon and of its discharges, once all signatures are known to be good.
 * @throws {MacaroonError} for a wrong signature, or a discharge that is missing, unused or used twice
 */
export function verifyMacaroon (root: Macaroon, rootKey: Uint8Array, discharges: readonly Macaroon[] = []): Uint8Array[] {
  return verifyChain(root, hmac(deriveMacaroonKey(rootKey), root.identifier), discharges)
}

/** As {@link verifyMacaroon}, for a root key in custody, which gives the first signature of the chain. @throws {MacaroonError} */
export function verifyChain (root: Macaroon, firstSignature: Uint8Array, discharges: readonly Macaroon[]): Uint8Array[] {
  const unused = new Map<string, Macaroon>()
  for (const discharge of discharges) {
    const name = Buffer.from(discharge.identifier).toString('base64')
    if (unused.has(name)) throw new MacaroonError('two discharges of one caveat')
    unused.set(name, discharge)
  }
  const conditions: Uint8Array[] = []
  walk(root, firstSignature, 0)
  if (unused.size > 0) throw new MacaroonError('a discharge is not used')
  return conditions

  function walk (macaroon: Macaroon, first: Uint8Array, depth: number): void {
    if (depth > MAX_DEPTH) throw new MacaroonError('discharges nest too deep')
    if (macaroon.caveats.length > MAX_CAVEATS) throw new MacaroonError('too many caveats')
    const asked: Array<{ readonly name: string, readonly key: Uint8Array | undefined }> = []
    let signature = first
    for (const caveat of macaroon.caveats) {
      if (caveat.thirdParty !== undefined) {
        asked.push({ name: Buffer.from(caveat.identifier).toString('base64'), key: openKey(signature, caveat.thirdParty.verificationId) })
      }
      signature = nextSignature(signature, caveat)
    }
    const expected = depth === 0 ? signature : boundSignature(root.signature, signature)
    if (macaroon.signature.byteLength !== SIGNATURE_BYTES || !timingSafeEqual(expected, macaroon.signature)) throw new MacaroonError('wrong signature')
    for (const caveat of macaroon.caveats) if (caveat.thirdParty === undefined) conditions.push(caveat.identifier)
    for (const { name, key } of asked) {
      const discharge = unused.get(name)
      if (discharge === undefined || key === undefined) throw new MacaroonError('a third-party caveat has no discharge')
      unused.delete(name) // before its own caveats: a circle of discharges ends here
      walk(discharge, hmac(key, discharge.identifier), depth + 1)
    }
  }
}

/** Adds what was decoded. @throws {MacaroonError} when there are too many */
export function addCaveat (caveats: MacaroonCaveat[], identifier: Uint8Array, verificationId: Uint8Array | undefined, location: string): void {
  if (caveats.length >= MAX_CAVEATS) throw new MacaroonError('too many caveats')
  caveats.push(verificationId === undefined ? { identifier } : { identifier, thirdParty: { location, verificationId } })
}

function append (macaroon: Macaroon, caveat: MacaroonCaveat): Macaroon {
  if (macaroon.caveats.length >= MAX_CAVEATS) throw new MacaroonError(`it has ${MAX_CAVEATS} caveats already`)
  return { ...macaroon, caveats: [...macaroon.caveats, caveat], signature: nextSignature(macaroon.signature, caveat) }
}

function nextSignature (signature: Uint8Array, { identifier, thirdParty }: MacaroonCaveat): Buffer {
  return thirdParty === undefined ? hmac(signature, identifier) : hmacOfTwo(signature, thirdParty.verificationId, identifier)
}

function boundSignature (root: Uint8Array, discharge: Uint8Array): Buffer {
  return hmacOfTwo(BINDING_KEY, root, discharge)
}

function openKey (signature: Uint8Array, verificationId: Uint8Array): Uint8Array | undefined {
  if (verificationId.byteLength !== NONCE_BYTES + SIGNATURE_BYTES + TAG_BYTES) return undefined
  try {
    return xsalsa20poly1305(signature, Uint8Array.from(verificationId.subarray(0, NONCE_BYTES))).decrypt(Uint8Array.from(verificationId.subarray(NONCE_BYTES)))
  } catch {
    return undefined // not sealed under this signature: the caveat cannot be discharged
  }
}

function hmacOfTwo (key: Uint8Array, first: Uint8Array, second: Uint8Array): Buffer {
  return hmac(key, Buffer.concat([hmac(key, first), hmac(key, second)]))
}

// A KeyObject, because createHmac takes five times as long over the key's bytes.
function hmac (key: Uint8Array, bytes: Uint8Array): Buffer {
  return createHmac('sha256', createSecretKey(key)).update(bytes).digest()
}
