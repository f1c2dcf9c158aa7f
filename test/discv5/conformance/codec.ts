import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import { decodeMessage, encodeMessage, type Message } from './messages.ts'
import { JUDGES_CURVE, makeRecord, type Curve, type Identity, type JudgedRecord } from './record.ts'

export interface WhoAreYou {
  readonly type: 'WHOAREYOU'
  /** Of the packet that it answers. */
  readonly nonce: Buffer
  readonly enrSeq: bigint
  readonly challengeData: Buffer
}

/** A packet that no key of ours opens. */
export interface Unknown { readonly type: 'UNKNOWN' }

export type Packet = Message | WhoAreYou | Unknown

interface SessionKeys { readonly writeKey: Buffer, readonly readKey: Buffer }

const STATIC_HEADER_BYTES = 23
const FLAG = { message: 0, whoAreYou: 1, handshake: 2 } as const

/**
 * The wire protocol v5.1 for one tester and the one node it judges. There is one session, whatever the tester's address: that a
 * session belongs to an address is for the node to insist on.
 */
export class Codec {
  readonly #self: Identity
  readonly #remote: JudgedRecord
  record: Buffer
  #session: SessionKeys | undefined

  readonly #curve: Curve

  constructor (self: Identity, remote: JudgedRecord, curve = JUDGES_CURVE) {
    this.#curve = curve
    this.#self = self
    this.#remote = remote
    this.record = makeRecord(self, {}, curve.sign)
  }

  /** In the session when there is one, else 20 random bytes, which make the node ask who we are. */
  encode (message: Message): { readonly packet: Buffer, readonly nonce: Buffer } {
    const nonce = randomBytes(12)
    const iv = randomBytes(16)
    const header = headerOf(FLAG.message, nonce, this.#self.nodeId)
    const body = this.#session === undefined ? randomBytes(20) : seal(this.#session.writeKey, nonce, encodeMessage(message), Buffer.concat([iv, header]))
    return { packet: Buffer.concat([iv, this.#mask(iv, header), body]), nonce }
  }

  /** The handshake packet that answers a challenge; its keys are the session's from here on. */
  encodeHandshake (message: Message, { challengeData, enrSeq }: WhoAreYou): Buffer {
    const ephemeral = this.#curve.newIdentity()
    const secret = this.#curve.sharedPoint(this.#remote.publicKey, ephemeral.secretKey)
    const info = Buffer.concat([Buffer.from('discovery v5 key agreement'), this.#self.nodeId, this.#remote.nodeId])
    const keys = Buffer.from(hkdfSync('sha256', secret, challengeData, info, 32))
    this.#session = { writeKey: keys.subarray(0, 16), readKey: keys.subarray(16) }

    const proof = createHash('sha256').update('discovery v5 identity proof').update(challengeData).update(ephemeral.publicKey).update(this.#remote.nodeId).digest()
    const record = enrSeq === 0n ? this.record : Buffer.alloc(0)
    const authData = Buffer.concat([this.#self.nodeId, Buffer.from([64, 33]), this.#curve.sign(proof, this.#self), ephemeral.publicKey, record])
    const nonce = randomBytes(12)
    const iv = randomBytes(16)
    const header = headerOf(FLAG.handshake, nonce, authData)
    return Buffer.concat([iv, this.#mask(iv, header), seal(this.#session.writeKey, nonce, encodeMessage(message), Buffer.concat([iv, header]))])
  }

  /** @throws {Error} for a packet that breaks the protocol */
  decode (packet: Buffer): Packet {
    if (packet.length < 63 || packet.length > 1280) throw new Error(`a packet of ${packet.length} bytes`)
    const iv = packet.subarray(0, 16)
    const decipher = createDecipheriv('aes-128-ctr', this.#self.nodeId.subarray(0, 16), iv)
    const plain = decipher.update(packet.subarray(16))
    if (plain.toString('latin1', 0, 6) !== 'discv5' || plain.readUInt16BE(6) !== 1) throw new Error('not a packet of discv5 v5.1')
    const flag = plain.readUInt8(8)
    const nonce = plain.subarray(9, 21)
    const headerBytes = STATIC_HEADER_BYTES + plain.readUInt16BE(21)
    const header = plain.subarray(0, headerBytes)
    const additional = Buffer.concat([iv, header])
    if (flag === FLAG.whoAreYou) {
      if (headerBytes !== STATIC_HEADER_BYTES + 24 || packet.length !== 16 + headerBytes) throw new Error('a WHOAREYOU of the wrong size')
      return { type: 'WHOAREYOU', nonce: Buffer.from(nonce), enrSeq: header.readBigUInt64BE(STATIC_HEADER_BYTES + 16), challengeData: additional }
    }
    if (flag !== FLAG.message || headerBytes !== STATIC_HEADER_BYTES + 32) return { type: 'UNKNOWN' }
    const message = this.#session && open(this.#session.readKey, nonce, packet.subarray(16 + headerBytes), additional)
    return message === undefined ? { type: 'UNKNOWN' } : decodeMessage(message)
  }

  #mask (iv: Buffer, header: Buffer): Buffer {
    return createCipheriv('aes-128-ctr', this.#remote.nodeId.subarray(0, 16), iv).update(header)
  }
}

function headerOf (flag: number, nonce: Buffer, authData: Buffer): Buffer {
  const sizes = Buffer.alloc(2)
  sizes.writeUInt16BE(authData.length)
  return Buffer.concat([Buffer.from('discv5'), Buffer.from([0, 1, flag]), nonce, sizes, authData])
}

function seal (key: Buffer, nonce: Buffer, plain: Buffer, additional: Buffer): Buffer {
  const cipher = createCipheriv('aes-128-gcm', key, nonce)
  cipher.setAAD(additional)
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function open (key: Buffer, nonce: Buffer, sealed: Buffer, additional: Buffer): Buffer | undefined {
  if (sealed.length < 16) return undefined
  const decipher = createDecipheriv('aes-128-gcm', key, nonce, { authTagLength: 16 })
  decipher.setAAD(additional)
  decipher.setAuthTag(sealed.subarray(-16))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()])
  } catch {
    return undefined // sealed with another key
  }
}
