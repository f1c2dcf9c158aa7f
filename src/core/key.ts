import { base16 } from 'multiformats/bases/base16'
import { base32, base32upper } from 'multiformats/bases/base32'
import { base36 } from 'multiformats/bases/base36'
import { base58btc } from 'multiformats/bases/base58'
import { base64, base64url } from 'multiformats/bases/base64'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import * as Digest from 'multiformats/hashes/digest'
import { DhtError } from './errors.ts'
import { MAX_KEY_BYTES } from './limits.ts'

/** The bytes of a multihash: what the overlay calls a key. 1 to 80 bytes, code and length consistent. */
export type MultihashKey = Uint8Array

/** Multicodec code of BLAKE3, the hash behind `b3:` content addresses. */
const BLAKE3_CODE = 0x1e
const BLAKE3_DIGEST_BYTES = 32

const BASES = base32.decoder.or(base32upper.decoder).or(base36.decoder).or(base58btc.decoder)
  .or(base16.decoder).or(base64.decoder).or(base64url.decoder)

/**
 * Reads a key in any form people use: a CID (any version, codec, hash and base), a bare multihash (base58btc, or any base
 * with its multibase prefix), or `b3:` and 64 hex digits.
 * @throws {DhtError} BadRequest when it is none of these, or longer than 80 bytes
 */
export function parseKey (text: string): MultihashKey {
  if (text.length > 512) throw badKey('too long to be a key')
  if (text.startsWith('b3:')) return parseContentAddress(text)
  return assertKey(parseCid(text)?.multihash.bytes ?? parseMultihash(text))
}

/**
 * Checks bytes from the wire: a well-formed multihash of 1 to 80 bytes, of any hash function.
 * @throws {DhtError} BadRequest
 */
export function assertKey (bytes: Uint8Array): MultihashKey {
  if (bytes.byteLength === 0) throw badKey('the key is empty')
  if (bytes.byteLength > MAX_KEY_BYTES) throw badKey(`the key is longer than ${MAX_KEY_BYTES} bytes`)
  if (!isMultihash(bytes)) throw badKey('the key is not a multihash')
  return bytes
}

/** The key as CIDv1 of codec raw, base32: one canonical text for any hash. */
export function toCidText (key: MultihashKey): string {
  return CID.createV1(raw.code, Digest.decode(key)).toString()
}

/** The key as people gave it most likely: `b3:<hex>` for BLAKE3-256, else its canonical CID. */
export function toKeyText (key: MultihashKey): string {
  return toContentAddress(key) ?? toCidText(key)
}

/** `b3:<64 hex>` when the key is a BLAKE3-256 multihash, else undefined. */
export function toContentAddress (key: MultihashKey): string | undefined {
  const isBlake3 = key[0] === BLAKE3_CODE && key[1] === BLAKE3_DIGEST_BYTES && key.byteLength === BLAKE3_DIGEST_BYTES + 2
  return isBlake3 ? `b3:${Buffer.from(key.buffer, key.byteOffset + 2, BLAKE3_DIGEST_BYTES).toString('hex')}` : undefined
}

/** The BLAKE3-256 multihash of a 32 byte digest. */
export function blake3Key (digest: Uint8Array): MultihashKey {
  return Digest.create(BLAKE3_CODE, digest).bytes
}

/** Parses a CID in any base; undefined when the text is not one. */
export function parseCid (text: string): CID | undefined {
  try {
    return text.startsWith('Qm') ? CID.parse(text) : CID.parse(text, BASES)
  } catch {
    return undefined // not a CID: the caller tries the next form or refuses
  }
}

function parseContentAddress (text: string): MultihashKey {
  if (!/^b3:[0-9a-f]{64}$/i.test(text)) throw badKey('b3: takes exactly 64 hex digits')
  return blake3Key(Buffer.from(text.slice(3), 'hex'))
}

function parseMultihash (text: string): Uint8Array {
  // A bare base58btc multihash has no multibase prefix; the others must carry theirs.
  for (const decode of [() => BASES.decode(text), () => base58btc.decoder.decode(`z${text}`)]) {
    try {
      const bytes = decode()
      if (isMultihash(bytes)) return bytes
    } catch {
      // not in this base: try the next
    }
  }
  throw badKey('neither a CID, a multihash nor b3:<hex>')
}

function isMultihash (bytes: Uint8Array): boolean {
  try {
    return Digest.decode(bytes).bytes.byteLength === bytes.byteLength
  } catch {
    return false
  }
}

function badKey (message: string): DhtError {
  return new DhtError('BadRequest', `Not a key: ${message}.`, {
    hint: 'Give a CID, a multihash (base58btc, or with its multibase prefix) or b3:<64 hex digits>.', reason: 'key',
  })
}
