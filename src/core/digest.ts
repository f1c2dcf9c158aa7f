import { blake3 } from '@noble/hashes/blake3.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import canonicalize from 'canonicalize'

/**
 * The value's RFC 8785 canonical JSON: equal for equal values, whatever the key order.
 * @throws {TypeError} when the value has no JSON form
 */
export function canonicalJson (value: unknown): string {
  const json = canonicalize(value)
  if (json === undefined) throw new TypeError('value has no JSON form')
  return json
}

/**
 * BLAKE3-256 of the value's RFC 8785 canonical JSON, as `b3:<64 hex>`.
 * @throws {TypeError} when the value has no JSON form
 */
export function jsonDigest (value: unknown): string {
  return `b3:${bytesToHex(blake3(utf8ToBytes(canonicalJson(value))))}`
}
