import { keccak_256 as keccak256 } from '@noble/hashes/sha3.js'
import type { NodeRecord } from '../engine.ts'
import { ipText } from '../ip.ts'
import { Malformed } from '../malformed.ts'
import { encodeBytes, encodeList, RlpReader, toBigint, uintBytes } from '../rlp.ts'
import type { Secp256k1 } from '../secp256k1.ts'

/** EIP-778: a record has at most 300 bytes, 300 included. */
export const MAX_RECORD_BYTES = 300
/** 300 bytes in base64url, and `enr:`. */
const MAX_TEXT_LENGTH = 404
const SIGNATURE_BYTES = 64
const PUBLIC_KEY_BYTES = 33
const PORT_KEYS: ReadonlySet<string> = new Set(['udp', 'udp6', 'tcp', 'tcp6', 'quic', 'quic6'])
const BYTES_KEYS: ReadonlySet<string> = new Set([...PORT_KEYS, 'id', 'secp256k1', 'ip', 'ip6', 'libp2p'])
const IP_BYTES: Readonly<Record<string, number>> = { ip: 4, ip6: 16 }

/** A node record whose form and signature were checked. Text and pairs are made when first asked for. */
export class Enr implements NodeRecord {
  readonly seq: bigint
  readonly bytes: Buffer
  readonly id: Buffer
  readonly nodeId: string
  readonly publicKey: Buffer
  readonly #pairs: ReadonlyMap<string, Buffer>
  #text: string | undefined

  constructor (bytes: Buffer, content: { readonly seq: bigint, readonly pairs: ReadonlyMap<string, Buffer>, readonly publicKey: Buffer, readonly id: Buffer }) {
    this.bytes = bytes
    this.seq = content.seq
    this.#pairs = content.pairs
    this.publicKey = content.publicKey
    this.id = content.id
    this.nodeId = content.id.toString('hex')
  }

  get text (): string {
    this.#text ??= `enr:${this.bytes.toString('base64url')}`
    return this.#text
  }

  get pairs (): ReadonlyMap<string, Uint8Array> { return this.#pairs }

  /** The addresses at which the record says discv5 listens, IPv4 first. A port of 0 is none. */
  endpoints (): Array<{ readonly ip: string, readonly port: number }> {
    const { ip, ip6, udp, udp6 } = { ip: this.#pairs.get('ip'), ip6: this.#pairs.get('ip6'), udp: this.port('udp'), udp6: this.port('udp6') }
    return [
      ...ip !== undefined && udp > 0 ? [{ ip: ipText(ip), port: udp }] : [],
      ...ip6 !== undefined && (udp6 || udp) > 0 ? [{ ip: ipText(ip6), port: udp6 || udp }] : [],
    ]
  }

  /** 0 when there is none. */
  port (key: 'udp' | 'udp6' | 'tcp' | 'tcp6' | 'quic' | 'quic6'): number {
    const bytes = this.#pairs.get(key)
    return bytes === undefined || bytes.length === 0 ? 0 : bytes.readUIntBE(0, bytes.length)
  }
}

/** EIP-778, identity scheme v4. The bytes are copied, so that the packet they came in can go. @throws {Malformed} */
export function decodeRecord (input: Uint8Array, secp256k1: Secp256k1): Enr {
  if (input.byteLength > MAX_RECORD_BYTES) throw new Malformed('record', 'a record of more than 300 bytes')
  const bytes = Buffer.from(input)
  const outer = new RlpReader(bytes)
  const fields = outer.list()
  outer.end()
  const signature = fields.bytes()
  if (signature.length !== SIGNATURE_BYTES) throw new Malformed('record', 'a signature that is not of scheme v4')
  const signed = bytes.subarray(fields.offset)
  const seq = fields.bigint()
  const pairs = readPairs(fields)
  const publicKey = pairs.get('secp256k1')
  if (pairs.get('id')?.toString('latin1') !== 'v4') throw new Malformed('record', 'an identity scheme that is not v4')
  if (publicKey?.length !== PUBLIC_KEY_BYTES) throw new Malformed('record', 'no compressed secp256k1 key')
  if (!secp256k1.verify(signature, keccak256(encodeList([signed])), publicKey)) throw new Malformed('signature', 'a record not signed by its key')
  return new Enr(bytes, { seq, pairs, publicKey, id: nodeIdOf(publicKey, secp256k1) })
}

/** @throws {Malformed} */
export function decodeRecordText (text: string, secp256k1: Secp256k1): Enr {
  if (text.length > MAX_TEXT_LENGTH || !/^enr:[\w-]+$/.test(text)) throw new Malformed('record', 'not a record in text form')
  const bytes = Buffer.from(text.slice(4), 'base64url')
  if (bytes.toString('base64url') !== text.slice(4)) throw new Malformed('record', 'base64url with stray bits')
  return decodeRecord(bytes, secp256k1)
}

/** Signs a record anew. `pairs` has neither `id` nor `secp256k1`; values are what RLP strings hold. @throws {Malformed} when it does not fit 300 bytes */
export function signRecord (seq: bigint, pairs: Readonly<Record<string, Uint8Array>>, privateKey: Uint8Array, secp256k1: Secp256k1): Enr {
  const publicKey = Buffer.from(secp256k1.publicKey(privateKey))
  const all: Record<string, Uint8Array> = { ...pairs, id: Buffer.from('v4'), secp256k1: publicKey }
  // Bytewise: 'Z' before 'a', which a collation would turn round.
  const sorted = Object.keys(all).map(key => Buffer.from(key)).sort(Buffer.compare)
  const content = [encodeBytes(uintBytes(seq)), ...sorted.flatMap(key => [encodeBytes(key), encodeBytes(all[key.toString()] as Uint8Array)])]
  const signature = secp256k1.sign(keccak256(encodeList(content)), privateKey)
  return decodeRecord(encodeList([encodeBytes(signature), ...content]), secp256k1)
}

/** EIP-778: keccak-256 of the uncompressed key. @throws {Malformed} for a key that is no point of the curve */
export function nodeIdOf (publicKey: Uint8Array, secp256k1: Secp256k1): Buffer {
  try {
    return Buffer.from(keccak256(secp256k1.coordinates(publicKey)))
  } catch {
    throw new Malformed('key', 'a key that is no point of the curve')
  }
}

function readPairs (fields: RlpReader): Map<string, Buffer> {
  const pairs = new Map<string, Buffer>()
  let last: Buffer | undefined
  while (!fields.isDone) {
    const key = fields.bytes()
    if (last !== undefined && Buffer.compare(last, key) >= 0) throw new Malformed('record', 'keys that are not sorted and unique')
    last = key
    const name = key.toString('latin1')
    // A list would be read with its header: two bytes of `udp` as a port, four of `ip` as an address.
    if (fields.isAtList && BYTES_KEYS.has(name)) throw new Malformed('record', `${name} that is a list`)
    const value = fields.value()
    assertKnownForm(name, value)
    pairs.set(name, value)
  }
  return pairs
}

function assertKnownForm (key: string, value: Buffer): void {
  const ipBytes = IP_BYTES[key]
  if (ipBytes !== undefined && value.length !== ipBytes) throw new Malformed('record', `${key} of ${value.length} bytes`)
  if (PORT_KEYS.has(key) && toBigint(value) > 0xffffn) throw new Malformed('record', `${key} above 65535`)
}
