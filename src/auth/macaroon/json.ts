import { fromBase64 } from './base64.ts'
import { addCaveat, type Macaroon, type MacaroonCaveat, MacaroonError, MAX_CAVEATS, SIGNATURE_BYTES } from './macaroon.ts'

/** The V2 JSON form. A field that is text is written as text; the signature always as base64url. */
export function encodeJson ({ location, identifier, caveats, signature }: Macaroon): string {
  return JSON.stringify({
    v: 2,
    ...written('i', identifier),
    ...(location === '' ? {} : { l: location }),
    ...(caveats.length === 0
      ? {}
      : {
          c: caveats.map(caveat => ({
            ...written('i', caveat.identifier),
            ...(caveat.thirdParty === undefined ? {} : { v64: Buffer.from(caveat.thirdParty.verificationId).toString('base64url'), l: caveat.thirdParty.location }),
          }))
        }),
    s64: Buffer.from(signature).toString('base64url'),
  })
}

/** @throws {MacaroonError} for anything but one V2 JSON macaroon: unknown fields, and both forms of one field, are refused */
export function decodeJson (text: string): Macaroon {
  const fields = objectOf(parsed(text), ['v', 'i', 'i64', 'l', 'c', 's', 's64'])
  if (fields.v !== undefined && fields.v !== 2 && fields.v !== '2') throw new MacaroonError('its version is not 2')
  const list = fields.c ?? []
  if (!Array.isArray(list) || list.length > MAX_CAVEATS) throw new MacaroonError('its caveats are not a short list')
  const caveats: MacaroonCaveat[] = []
  for (const item of list as unknown[]) {
    const caveat = objectOf(item, ['i', 'i64', 'v', 'v64', 'l'])
    const verificationId = bytesOf(caveat, 'v')
    if (caveat.l !== undefined && verificationId === undefined) throw new MacaroonError('a first-party caveat has a location')
    addCaveat(caveats, needed(bytesOf(caveat, 'i')), verificationId, locationOf(caveat.l))
  }
  const signature = needed(bytesOf(fields, 's'))
  if (signature.byteLength !== SIGNATURE_BYTES) throw new MacaroonError('the signature is not 32 bytes')
  return { location: locationOf(fields.l), identifier: needed(bytesOf(fields, 'i')), caveats, signature }
}

function written (key: string, bytes: Uint8Array): Record<string, string> {
  const text = Buffer.from(bytes).toString('utf8')
  return Buffer.from(text).equals(bytes) ? { [key]: text } : { [`${key}64`]: Buffer.from(bytes).toString('base64url') }
}

function parsed (text: string): unknown {
  // JSON.parse lets the last of two equal keys win, where another reader takes the first.
  const seen: Array<Set<string>> = []
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/g)) {
    if (token === '{') seen.push(new Set())
    else if (token === '}') seen.pop()
    else if (token.endsWith(':')) {
      const key = token.slice(0, token.lastIndexOf('"') + 1)
      if (key.includes('\\') || seen.at(-1)?.has(key) === true) throw new MacaroonError('a JSON field is there twice')
      seen.at(-1)?.add(key)
    }
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new MacaroonError('it is not JSON') // the cause would quote the token
  }
}

function objectOf (value: unknown, keys: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new MacaroonError('it is not a JSON object')
  if (Object.keys(value).some(key => !keys.includes(key))) throw new MacaroonError('a JSON field is unknown')
  return value as Record<string, unknown>
}

function bytesOf (fields: Record<string, unknown>, key: string): Uint8Array | undefined {
  const plain = fields[key]
  const encoded = fields[`${key}64`]
  if (plain !== undefined && encoded !== undefined) throw new MacaroonError('a JSON field is there in both forms')
  if (typeof plain === 'string') return Buffer.from(plain)
  if (typeof encoded === 'string') return fromBase64(encoded)
  if (plain !== undefined || encoded !== undefined) throw new MacaroonError('a JSON field is not text')
  return undefined
}

function locationOf (value: unknown): string {
  if (value !== undefined && typeof value !== 'string') throw new MacaroonError('a location is not text')
  return value ?? ''
}

function needed (bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new MacaroonError('a JSON field is missing')
  return bytes
}
