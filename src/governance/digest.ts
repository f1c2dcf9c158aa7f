import { createHash } from 'node:crypto'
import { canonicalJson } from '../core/digest.ts'

/** What a digest is of. Two things never share one, so a digest of one kind cannot stand for another. */
export type DigestDomain = 'actor' | 'section' | 'state' | 'snapshot' | 'allotment'

/** SHA-256 of the value's RFC 8785 JSON behind the domain's name: `svc-dht/governance/<domain>/v1\0`. Lower-case hex. */
export function digestOf (domain: DigestDomain, value: unknown): string {
  return createHash('sha256').update(`svc-dht/governance/${domain}/v1\0`).update(canonicalJson(value)).digest('hex')
}

/** SHA-256 of exact bytes, in lower-case hex: the id of a signed statement is that of its payload. */
export function sha256 (bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
