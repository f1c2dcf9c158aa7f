import { MAX_TOKEN_BYTES } from '../../core/limits.ts'
import { fromBase64 } from './base64.ts'
import { decodeJson } from './json.ts'
import { addCaveat, type Macaroon, type MacaroonCaveat, MacaroonError, SIGNATURE_BYTES } from './macaroon.ts'

// libmacaroons doc/format.txt. V1 is packets of text, V2 fields of varints.
const LOCATION = 1
const IDENTIFIER = 2
const VERIFICATION_ID = 4
const SIGNATURE = 6
const END = 0
const VERSION_2 = 2
const V1_LENGTH_DIGITS = 4

/** The token as it is sent: base64url without padding of the V2 form, or of V1 for what knows only that. */
export function encodeToken (macaroon: Macaroon, version: 1 | 2 = 2): string {
  return Buffer.from(version === 1 ? encodeV1(macaroon) : encodeV2(macaroon)).toString('base64url')
}

/** The macaroon of a token: V1 or V2 in any base64, or V2 JSON. @throws {MacaroonError} for anything that is not exactly one */
export function decodeToken (token: string): Macaroon {
  if (token.length > MAX_TOKEN_BYTES) throw new MacaroonError('token is too long')
  return token.startsWith('{') ? decodeJson(token) : decodeMacaroon(fromBase64(token))
}

/** @throws {MacaroonError} for bytes that are not exactly one macaroon */
export function decodeMacaroon (bytes: Uint8Array): Macaroon {
  if (bytes.byteLength > MAX_TOKEN_BYTES) throw new MacaroonError('token is too long')
  return bytes[0] === VERSION_2 ? decodeV2(bytes) : decodeV1(bytes)
}

/** The packets of libmacaroons V1, byte for byte. */
export function encodeV1 ({ location, identifier, caveats, signature }: Macaroon): Uint8Array {
  const packets = [packet('location', Buffer.from(location)), packet('identifier', identifier)]
  for (const caveat of caveats) {
    packets.push(packet('cid', caveat.identifier))
    if (caveat.thirdParty !== undefined) {
      packets.push(packet('vid', caveat.thirdParty.verificationId), packet('cl', Buffer.from(caveat.thirdParty.location)))
    }
  }
  return Buffer.concat([...packets, packet('signature', signature)])
}

/** The V2 binary form of libmacaroons, byte for byte. */
export function encodeV2 ({ location, identifier, caveats, signature }: Macaroon): Uint8Array {
  const end = Uint8Array.of(END)
  const parts = [Uint8Array.of(VERSION_2), ...named(location), field(IDENTIFIER, identifier), end]
  for (const caveat of caveats) {
    parts.push(...named(caveat.thirdParty?.location ?? ''), field(IDENTIFIER, caveat.identifier))
    if (caveat.thirdParty !== undefined) parts.push(field(VERIFICATION_ID, caveat.thirdParty.verificationId))
    parts.push(end)
  }
  return Buffer.concat([...parts, end, field(SIGNATURE, signature)])
}

function named (location: string): Uint8Array[] {
  return location === '' ? [] : [field(LOCATION, Buffer.from(location))]
}

function packet (key: string, value: Uint8Array): Uint8Array {
  const size = V1_LENGTH_DIGITS + key.length + 1 + value.byteLength + 1
  if (size > 0xffff) throw new MacaroonError('a field is too long for V1')
  return Buffer.concat([Buffer.from(`${size.toString(16).padStart(V1_LENGTH_DIGITS, '0')}${key} `), value, Buffer.from('\n')])
}

function field (type: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(type), varint(value.byteLength), value])
}

function varint (value: number): Uint8Array {
  const bytes: number[] = []
  for (; value >= 0x80; value >>>= 7) bytes.push((value & 0x7f) | 0x80)
  return Uint8Array.of(...bytes, value)
}

function decodeV1 (bytes: Uint8Array): Macaroon {
  const packets = readPackets(bytes)
  let at = 0
  const take = (key: string): Buffer | undefined => packets[at]?.key === key ? packets[at++]?.value : undefined
  const location = must(take('location'), 'location')
  const identifier = must(take('identifier'), 'identifier')
  const caveats: MacaroonCaveat[] = []
  for (let cid = take('cid'); cid !== undefined; cid = take('cid')) {
    const verificationId = take('vid')
    const where = take('cl')
    if (where !== undefined && verificationId === undefined) throw new MacaroonError('a first-party caveat has a location')
    addCaveat(caveats, cid, verificationId, text(where ?? Buffer.alloc(0)))
  }
  const signature = must(take('signature'), 'signature')
  if (at !== packets.length) throw new MacaroonError('a packet is out of order')
  return assembled(text(location), identifier, caveats, signature)
}

function readPackets (bytes: Uint8Array): Array<{ readonly key: string, readonly value: Buffer }> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const packets = []
  for (let at = 0; at < buffer.length;) {
    const digits = buffer.toString('latin1', at, at + V1_LENGTH_DIGITS)
    const end = at + (/^[0-9a-f]{4}$/.test(digits) ? Number.parseInt(digits, 16) : 0)
    const space = buffer.indexOf(' ', at + V1_LENGTH_DIGITS)
    if (end > buffer.length || space === -1 || space >= end - 1 || buffer[end - 1] !== 0x0a) throw new MacaroonError('a packet is malformed')
    packets.push({ key: buffer.toString('latin1', at + V1_LENGTH_DIGITS, space), value: buffer.subarray(space + 1, end - 1) })
    at = end
  }
  return packets
}

function decodeV2 (bytes: Uint8Array): Macaroon {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 1
  const location = text(take(LOCATION) ?? Buffer.alloc(0))
  const identifier = must(take(IDENTIFIER), 'identifier')
  takeEnd()
  const caveats: MacaroonCaveat[] = []
  while (buffer[at] !== END) {
    const where = take(LOCATION)
    const cid = must(take(IDENTIFIER), 'caveat identifier')
    const verificationId = take(VERIFICATION_ID)
    if (where !== undefined && verificationId === undefined) throw new MacaroonError('a first-party caveat has a location')
    takeEnd()
    addCaveat(caveats, cid, verificationId, text(where ?? Buffer.alloc(0)))
  }
  takeEnd()
  const signature = must(take(SIGNATURE), 'signature')
  if (at !== buffer.length) throw new MacaroonError('bytes after the signature')
  return assembled(location, identifier, caveats, signature)

  function take (type: number): Buffer | undefined {
    if (buffer[at] !== type) return undefined
    at++
    const low = buffer[at++] ?? 0x80
    const high = low < 0x80 ? 0 : buffer[at++] ?? 0x80 // 14 bits hold more than the longest token
    if (high >= 0x80 || (low >= 0x80 && high === 0)) throw new MacaroonError('a length is malformed')
    const end = at + (low & 0x7f) + high * 0x80
    if (end > buffer.length) throw new MacaroonError('a field is cut off')
    const value = buffer.subarray(at, end)
    at = end
    return value
  }

  function takeEnd (): void {
    if (buffer[at++] !== END) throw new MacaroonError('a field is out of order')
  }
}

function assembled (location: string, identifier: Uint8Array, caveats: readonly MacaroonCaveat[], signature: Uint8Array): Macaroon {
  if (signature.byteLength !== SIGNATURE_BYTES) throw new MacaroonError('the signature is not 32 bytes')
  return { location, identifier, caveats, signature }
}

function must (value: Buffer | undefined, name: string): Buffer {
  if (value === undefined) throw new MacaroonError(`the ${name} is missing or out of order`)
  return value
}

/** A location, which is text. @throws {MacaroonError} for what is not UTF-8 */
function text (bytes: Buffer): string {
  const read = bytes.toString('utf8')
  if (!Buffer.from(read).equals(bytes)) throw new MacaroonError('a location is not text')
  return read
}
