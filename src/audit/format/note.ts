import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto'

// c2sp.org/signed-note: a text, a blank line, signature lines. Keys as `name+id+type||key`.

/** 0x01 Ed25519 over the text; 0x04 and 0x06 are cosignatures with a time, over Ed25519 and ML-DSA-44. */
export type SignatureType = 0x01 | 0x04 | 0x06

export interface VerifierKey {
  readonly name: string
  readonly type: SignatureType
  readonly publicKey: Uint8Array
}

export interface SignatureLine { readonly name: string, readonly keyId: number, readonly signature: Uint8Array }
export interface Note { readonly text: string, readonly signatures: readonly SignatureLine[] }

/** More than any log and its witnesses need; the specification asks for 16 at least. */
const MAX_SIGNATURES = 64
const MAX_NOTE_BYTES = 1024 * 1024
const KEY_BYTES: Readonly<Record<SignatureType, number>> = { 0x01: 32, 0x04: 32, 0x06: 1312 }

/** c2sp.org/signed-note: the first four bytes of SHA-256 over name, newline, type and key. */
export function keyId ({ name, type, publicKey }: VerifierKey): number {
  return createHash('sha256').update(`${name}\n`).update(Uint8Array.of(type)).update(publicKey).digest().readUInt32BE()
}

/** `name+keyid+base64`, by which a log is trusted. */
export function formatVerifierKey (key: VerifierKey): string {
  return `${key.name}+${keyId(key).toString(16).padStart(8, '0')}+${Buffer.concat([Uint8Array.of(key.type), key.publicKey]).toString('base64')}`
}

/** @throws {Error} with the end of a sentence */
export function parseVerifierKey (text: string): VerifierKey {
  const [name = '', id = '', ...rest] = text.split('+')
  const material = fromBase64(rest.join('+'))
  const type = material?.[0]
  if (!isKeyName(name) || material === undefined) throw new Error('it is not `name+id+key`')
  if (type !== 0x01 && type !== 0x04 && type !== 0x06) throw new Error('its signature type is not known')
  const key: VerifierKey = { name, type, publicKey: material.subarray(1) }
  if (key.publicKey.byteLength !== KEY_BYTES[type]) throw new Error('its key has the wrong length')
  if (keyId(key).toString(16).padStart(8, '0') !== id) throw new Error('its id is not that of its key')
  return key
}

export function formatSignatureLine (key: VerifierKey, signature: Uint8Array): string {
  return formatLine({ name: key.name, keyId: keyId(key), signature })
}

/** `— name base64`, the key id before the signature. */
export function formatLine ({ name, keyId, signature }: SignatureLine): string {
  const id = Buffer.alloc(4)
  id.writeUInt32BE(keyId)
  return `— ${name} ${Buffer.concat([id, signature]).toString('base64')}\n`
}

/** @throws {Error} with the end of a sentence */
export function parseNote (bytes: Uint8Array): Note {
  if (bytes.byteLength > MAX_NOTE_BYTES) throw new Error('it is too long for a signed note')
  let note: string
  try {
    note = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new Error('it is not UTF-8', { cause })
  }
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) throw new Error('it has control characters')
  const end = note.lastIndexOf('\n\n')
  if (end < 0 || !note.endsWith('\n')) throw new Error('it is not a signed note')
  const signatures = parseSignatureLines(note.slice(end + 2))
  if (signatures.length === 0) throw new Error('it has no signature')
  return { text: note.slice(0, end + 1), signatures }
}

/** Lines that each end in a newline. @throws {Error} with the end of a sentence */
export function parseSignatureLines (text: string): SignatureLine[] {
  if (text === '') return []
  const lines = text.split('\n')
  if (lines.pop() !== '') throw new Error('its last signature line does not end')
  if (lines.length > MAX_SIGNATURES) throw new Error('it has too many signatures')
  return lines.map(line => {
    const [, name = '', base64 = ''] = /^— (\S+) (\S+)$/u.exec(line) ?? []
    const bytes = fromBase64(base64)
    if (!isKeyName(name) || bytes === undefined || bytes.byteLength < 5) throw new Error('a signature line is misshapen')
    return { name, keyId: bytes.readUInt32BE(), signature: bytes.subarray(4) }
  })
}

/** Whether the key made the signature over the message. Never throws. */
export function isSignature (key: VerifierKey, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify(null, message, toPublicKey(key), signature)
  } catch {
    return false // the key's bytes are no point of the curve
  }
}

/** The bytes of the only base64 text that stands for them. */
export function fromBase64 (text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

function isKeyName (name: string): boolean {
  return name !== '' && !/[\s+]/u.test(name)
}

const SPKI_PREFIX: Readonly<Record<SignatureType, string>> = {
  0x01: '302a300506032b6570032100',
  0x04: '302a300506032b6570032100',
  0x06: '30820532300b06096086480165030403110382052100',
}

function toPublicKey ({ type, publicKey }: VerifierKey): KeyObject {
  return createPublicKey({ key: Buffer.concat([Buffer.from(SPKI_PREFIX[type], 'hex'), publicKey]), format: 'der', type: 'spki' })
}
