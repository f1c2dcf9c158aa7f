import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { keccak_256 as keccak256 } from '@noble/hashes/sha3.js'
import * as secp from '@noble/secp256k1'
import { asBytes, asList, decodeRlp, encodeRlp, toUint, uint, type Rlp } from './rlp.ts'

secp.hashes.sha256 = sha256
secp.hashes.hmacSha256 = (key, message) => hmac(sha256, key, message)

export interface Identity { readonly secretKey: Uint8Array, readonly publicKey: Uint8Array, readonly nodeId: Buffer }

/** What the handshake asks of the curve. The judge has its own; a load that must be cheap brings a faster one. */
export interface Curve {
  newIdentity (): Identity
  sign (digest: Uint8Array, identity: Identity): Uint8Array
  sharedPoint (publicKey: Uint8Array, secretKey: Uint8Array): Uint8Array
}

export interface JudgedRecord {
  readonly nodeId: Buffer
  readonly publicKey: Uint8Array
  readonly seq: bigint
  readonly ip: string | undefined
  readonly udp: number | undefined
}

export function newIdentity (secretKey = secp.utils.randomSecretKey()): Identity {
  const publicKey = secp.getPublicKey(secretKey, true)
  return { secretKey, publicKey, nodeId: nodeIdOf(publicKey) }
}

/** EIP-778, scheme v4: keccak-256 of the uncompressed key without its prefix. */
function nodeIdOf (publicKey: Uint8Array): Buffer {
  return Buffer.from(keccak256(secp.Point.fromBytes(publicKey).toBytes(false).subarray(1)))
}

function signDigest (digest: Uint8Array, { secretKey }: Identity): Uint8Array {
  return secp.sign(digest, secretKey, { prehash: false })
}

function sharedPoint (publicKey: Uint8Array, secretKey: Uint8Array): Uint8Array {
  return secp.Point.fromBytes(publicKey).multiply(BigInt(`0x${Buffer.from(secretKey).toString('hex')}`)).toBytes(true)
}

export const JUDGES_CURVE: Curve = { newIdentity, sign: signDigest, sharedPoint }

/** The RLP of a signed record; `ip` and `udp` only when the identity is to be found there. */
export function makeRecord (identity: Identity, { seq = BigInt(Date.now()), ip, udp }: { readonly seq?: bigint, readonly ip?: string, readonly udp?: number } = {}, sign = signDigest): Buffer {
  const content: Rlp[] = [
    uint(seq),
    Buffer.from('id'), Buffer.from('v4'),
    ...ip === undefined ? [] : [Buffer.from('ip'), Buffer.from(ip.split('.').map(Number))],
    Buffer.from('secp256k1'), identity.publicKey,
    ...udp === undefined ? [] : [Buffer.from('udp'), uint(udp)],
  ]
  return encodeRlp([sign(keccak256(encodeRlp(content)), identity), ...content])
}

/** @throws {Error} when the record is not in order or not signed by its own key */
export function readRecord (bytes: Uint8Array): JudgedRecord {
  if (bytes.length > 300) throw new Error('a record of more than 300 bytes')
  const [signature, ...content] = asList(decodeRlp(bytes))
  const pairs = new Map<string, Rlp>()
  for (let i = 1; i < content.length; i += 2) pairs.set(Buffer.from(asBytes(content[i])).toString('latin1'), content[i + 1]!)
  const publicKey = asBytes(pairs.get('secp256k1'))
  if (!secp.verify(asBytes(signature), keccak256(encodeRlp(content)), publicKey, { prehash: false })) throw new Error('a record with a wrong signature')
  const ip = pairs.get('ip')
  const udp = pairs.get('udp')
  return {
    nodeId: nodeIdOf(publicKey),
    publicKey,
    seq: toUint(content[0]),
    ip: ip === undefined ? undefined : [...asBytes(ip)].join('.'),
    udp: udp === undefined ? undefined : Number(toUint(udp)),
  }
}

export function readRecordText (text: string): JudgedRecord {
  return readRecord(Buffer.from(text.slice('enr:'.length), 'base64url'))
}

/** 0 for the same ID, 256 when the first bit differs. */
export function logDistance (a: Uint8Array, b: Uint8Array): number {
  const bits = BigInt(`0x${Buffer.from(a).toString('hex')}`) ^ BigInt(`0x${Buffer.from(b).toString('hex')}`)
  return bits === 0n ? 0 : bits.toString(2).length
}
