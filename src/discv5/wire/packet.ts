import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { Malformed } from '../malformed.ts'
import type { Mask } from './mask.ts'

/** discv5 wire, § UDP Communication. */
const MIN_PACKET_BYTES = 63
export const MAX_PACKET_BYTES = 1280

export const IV_BYTES = 16
export const NONCE_BYTES = 12
export const TAG_BYTES = 16
const STATIC_BYTES = 23
const NONCE_AT = IV_BYTES + 9
const ID_BYTES = 32
const HEAD_BYTES = ID_BYTES + 2
const SIGNATURE_BYTES = 64
const EPHEMERAL_KEY_BYTES = 33
const ID_NONCE_BYTES = 16
/** `discv5` and version 1. */
const PROTOCOL_HIGH = 0x64697363
const PROTOCOL_LOW = 0x7635
const VERSION = 1

/** A packet with its header unmasked. The views share one buffer that is its own, not the socket's. */
export interface Packet {
  readonly nonce: Buffer
  /** Masking IV and header: what a message is authenticated with, and in WHOAREYOU the challenge data. */
  readonly ad: Buffer
  /** Encrypted, with the tag at its end. */
  readonly message: Buffer
  readonly authdata: Authdata
}

export type Authdata =
  | { readonly kind: 'message', readonly sourceId: Buffer }
  | { readonly kind: 'whoareyou', readonly idNonce: Buffer, readonly enrSeq: bigint }
  | { readonly kind: 'handshake', readonly sourceId: Buffer, readonly signature: Buffer, readonly ephemeralKey: Buffer, readonly record: Buffer | undefined }

/** Unmasks and checks a header, changing `packet` in place. @throws {Malformed} */
export function decodePacket (packet: Buffer, own: Mask): Packet {
  if (packet.length < MIN_PACKET_BYTES || packet.length > MAX_PACKET_BYTES) throw new Malformed('size', 'a packet outside of 63 to 1280 bytes')
  // One stream is enough for the two usual kinds: 23 bytes of static header and 32 of authdata.
  const stream = own.keyStream(packet, 0, STATIC_BYTES + ID_BYTES)
  xor(packet, IV_BYTES, stream, 0, STATIC_BYTES)
  const isOurs = packet.readUInt32BE(IV_BYTES) === PROTOCOL_HIGH && packet.readUInt16BE(IV_BYTES + 4) === PROTOCOL_LOW &&
    packet.readUInt16BE(IV_BYTES + 6) === VERSION
  if (!isOurs) throw new Malformed('header', 'not a discv5.1 packet for this node')
  const flag = packet[IV_BYTES + 8]
  const authSize = packet.readUInt16BE(IV_BYTES + 21)
  const authAt = IV_BYTES + STATIC_BYTES
  const messageAt = authAt + authSize
  if (messageAt > packet.length) throw new Malformed('authdata', 'authdata longer than the packet')
  const rest = authSize <= ID_BYTES ? stream : own.keyStream(packet, 0, STATIC_BYTES + authSize)
  xor(packet, authAt, rest, STATIC_BYTES, authSize)
  return {
    nonce: packet.subarray(NONCE_AT, NONCE_AT + NONCE_BYTES),
    ad: packet.subarray(0, messageAt),
    message: packet.subarray(messageAt),
    authdata: decodeAuthdata(flag, packet.subarray(authAt, messageAt), packet.length - messageAt),
  }
}

function decodeAuthdata (flag: number | undefined, authdata: Buffer, messageBytes: number): Authdata {
  if (flag === 0) {
    if (authdata.length !== ID_BYTES || messageBytes <= TAG_BYTES) throw new Malformed('authdata', 'not the authdata of a message')
    return { kind: 'message', sourceId: authdata }
  }
  if (flag === 1) {
    if (authdata.length !== ID_NONCE_BYTES + 8 || messageBytes !== 0) throw new Malformed('authdata', 'not the authdata of WHOAREYOU')
    return { kind: 'whoareyou', idNonce: authdata.subarray(0, ID_NONCE_BYTES), enrSeq: authdata.readBigUInt64BE(ID_NONCE_BYTES) }
  }
  if (flag !== 2) throw new Malformed('header', 'an unknown kind of packet')
  const recordAt = HEAD_BYTES + SIGNATURE_BYTES + EPHEMERAL_KEY_BYTES
  const isV4 = authdata.length >= recordAt && authdata[ID_BYTES] === SIGNATURE_BYTES && authdata[ID_BYTES + 1] === EPHEMERAL_KEY_BYTES
  if (!isV4 || messageBytes <= TAG_BYTES) throw new Malformed('authdata', 'not the authdata of a v4 handshake')
  return {
    kind: 'handshake',
    sourceId: authdata.subarray(0, ID_BYTES),
    signature: authdata.subarray(HEAD_BYTES, HEAD_BYTES + SIGNATURE_BYTES),
    ephemeralKey: authdata.subarray(HEAD_BYTES + SIGNATURE_BYTES, recordAt),
    record: authdata.length === recordAt ? undefined : authdata.subarray(recordAt),
  }
}

/** What goes before the message of a packet. */
interface Head { readonly iv: Uint8Array, readonly nonce: Uint8Array, readonly flag: 0 | 1 | 2, readonly authdata: Uint8Array }

/** An ordinary or handshake packet with `plaintext` encrypted under `key`. */
export function encodeMessagePacket (head: Head, plaintext: Uint8Array, key: KeyObject, destination: Mask): Buffer {
  const messageAt = IV_BYTES + STATIC_BYTES + head.authdata.length
  const packet = Buffer.allocUnsafe(messageAt + plaintext.length + TAG_BYTES)
  writeHead(packet, head)
  const cipher = createCipheriv('aes-128-gcm', key, head.nonce)
  cipher.setAAD(packet.subarray(0, messageAt))
  packet.set(cipher.update(plaintext), messageAt)
  cipher.final()
  packet.set(cipher.getAuthTag(), messageAt + plaintext.length)
  destination.apply(packet, 0, IV_BYTES, messageAt - IV_BYTES)
  return packet
}

/** An ordinary packet whose message nobody can read: it asks for a WHOAREYOU. */
export function encodeRandomPacket (head: Head, random: Uint8Array, destination: Mask): Buffer {
  const messageAt = IV_BYTES + STATIC_BYTES + head.authdata.length
  const packet = Buffer.allocUnsafe(messageAt + random.length)
  writeHead(packet, head)
  packet.set(random, messageAt)
  destination.apply(packet, 0, IV_BYTES, messageAt - IV_BYTES)
  return packet
}

/** WHOAREYOU, and the challenge data that the handshake must be made over. */
export function encodeWhoareyou (challenge: { readonly iv: Uint8Array, readonly nonce: Uint8Array, readonly idNonce: Uint8Array, readonly enrSeq: bigint }, destination: Mask): { readonly packet: Buffer, readonly challengeData: Buffer } {
  const { iv, nonce, idNonce, enrSeq } = challenge
  const both = Buffer.allocUnsafe(2 * MIN_PACKET_BYTES)
  const challengeData = both.subarray(0, MIN_PACKET_BYTES)
  const packet = both.subarray(MIN_PACKET_BYTES)
  writeStatic(challengeData, { iv, nonce, flag: 1 }, ID_NONCE_BYTES + 8)
  challengeData.set(idNonce, IV_BYTES + STATIC_BYTES)
  challengeData.writeBigUInt64BE(enrSeq, IV_BYTES + STATIC_BYTES + ID_NONCE_BYTES)
  challengeData.copy(packet)
  destination.apply(packet, 0, IV_BYTES, MIN_PACKET_BYTES - IV_BYTES)
  return { packet, challengeData }
}

export function handshakeAuthdata (sourceId: Uint8Array, signature: Uint8Array, ephemeralKey: Uint8Array, record: Uint8Array | undefined): Buffer {
  return Buffer.concat([sourceId, [SIGNATURE_BYTES, EPHEMERAL_KEY_BYTES], signature, ephemeralKey, record ?? Buffer.alloc(0)].map(part => Buffer.from(part)))
}

/** The plaintext, or undefined when it was not encrypted with this key. */
export function decryptMessage ({ message, nonce, ad }: Pick<Packet, 'message' | 'nonce' | 'ad'>, key: KeyObject): Buffer | undefined {
  const decipher = createDecipheriv('aes-128-gcm', key, nonce)
  decipher.setAAD(ad)
  decipher.setAuthTag(message.subarray(message.length - TAG_BYTES))
  const plaintext = decipher.update(message.subarray(0, message.length - TAG_BYTES))
  try {
    decipher.final()
    return plaintext
  } catch {
    return undefined // the tag does not match
  }
}

function writeHead (packet: Buffer, head: Head): void {
  writeStatic(packet, head, head.authdata.length)
  packet.set(head.authdata, IV_BYTES + STATIC_BYTES)
}

function writeStatic (packet: Buffer, { iv, nonce, flag }: Omit<Head, 'authdata'>, authSize: number): void {
  packet.set(iv, 0)
  packet.writeUInt32BE(PROTOCOL_HIGH, IV_BYTES)
  packet.writeUInt16BE(PROTOCOL_LOW, IV_BYTES + 4)
  packet.writeUInt16BE(VERSION, IV_BYTES + 6)
  packet.writeUInt8(flag, IV_BYTES + 8)
  packet.set(nonce, NONCE_AT)
  packet.writeUInt16BE(authSize, IV_BYTES + 21)
}

function xor (packet: Buffer, at: number, stream: Buffer, streamAt: number, size: number): void {
  for (let i = 0; i < size; i++) packet[at + i] = (packet[at + i] as number) ^ (stream[streamAt + i] as number)
}
