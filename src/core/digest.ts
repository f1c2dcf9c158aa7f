import { blake3 } from '@noble/hashes/blake3.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import canonicalize from 'canonicalize'

/**
 * BLAKE3-256 of the value's RFC 8785 canonical JSON, as `b3:<64 hex>`: equal for equal values, whatever the key order.
 * @throws {TypeError} when the value has no JSON form
 */
export function jsonDigest (value: unknown): string {
  const json = canonicalize(value)
  if (json === undefined) throw new TypeError('value has no JSON form')
  return `b3:${bytesToHex(blake3(utf8ToBytes(json)))}`
}
