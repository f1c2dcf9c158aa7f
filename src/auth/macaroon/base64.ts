import { MacaroonError } from './macaroon.ts'

/** base64url or base64, with or without padding, as every other implementation reads it; stray bits are refused. */
export function fromBase64 (token: string): Buffer {
  const plain = token.replace(/={1,2}$/, '').replaceAll('+', '-').replaceAll('/', '_')
  const bytes = Buffer.from(plain, 'base64url')
  if (bytes.toString('base64url') !== plain) throw new MacaroonError('it is not base64')
  return bytes
}
