import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import type { NativeEngine } from '../../src/discv5/native-engine.ts'
import type { NodeRecord } from '../../src/discv5/engine.ts'
import { decodeRecord, nodeIdOf, signRecord, type Enr } from '../../src/discv5/enr/record.ts'
import { ipBytes } from '../../src/discv5/ip.ts'
import { uintBytes } from '../../src/discv5/rlp.ts'
import type { DatagramSocket } from '../../src/discv5/socket.ts'
import { deriveKeys, idProofDigest } from '../../src/discv5/wire/handshake.ts'
import { Mask } from '../../src/discv5/wire/mask.ts'
import { decodeMessage, type Message } from '../../src/discv5/wire/message.ts'
import { decodePacket, decryptMessage, encodeMessagePacket, encodeRandomPacket, encodeWhoareyou, handshakeAuthdata, type Packet } from '../../src/discv5/wire/packet.ts'
import { curve, type Network } from './network.ts'

/** What a test sends by hand: a node that does as it is told, right or wrong. */
export class RawPeer {
  readonly key = randomBytes(32)
  readonly id = nodeIdOf(curve.publicKey(this.key), curve)
  readonly record: Enr
  readonly packets: Array<Packet & { readonly bytes: Buffer }> = []
  readonly ip: string
  readonly port: number
  readonly #network: Network
  readonly #to: NativeEngine
  readonly #mask: Mask
  readonly #own: Mask
  readonly #socket: DatagramSocket
  writeKey: KeyObject | undefined
  readKey: KeyObject | undefined

  constructor (network: Network, to: NativeEngine, ip: string, port = 9000, seq = 1n) {
    this.#network = network
    this.#to = to
    this.ip = ip
    this.port = port
    this.record = signRecord(seq, { ip: ipBytes(ip), udp: uintBytes(port) }, this.key, curve)
    this.#mask = new Mask(Buffer.from(to.nodeId, 'hex'))
    this.#own = new Mask(this.id)
    this.#socket = network.socket(ip, port)
    void this.#socket.bind(bytes => this.take(bytes))
  }

  /** A packet for this peer, at whatever endpoint it came in. */
  take (bytes: Buffer): void {
    this.packets.push({ bytes: Buffer.from(bytes), ...decodePacket(Buffer.from(bytes), this.#own) })
  }

  get #target (): NodeRecord { return this.#to.ownRecord() }

  async close (): Promise<void> {
    await this.#socket.close()
  }

  /** Everything that was sent has arrived, and so have the answers. */
  async settled (): Promise<void> {
    for (let i = 0; i < 6; i++) await new Promise(resolve => setImmediate(resolve))
  }

  raw (bytes: Buffer, from = { ip: this.ip, port: this.port }): void {
    const [{ ip, port } = { ip: '', port: 0 }] = this.#to.listening()
    this.#network.send(from, bytes, ip, port)
  }

  /** An ordinary packet that cannot be read; returns its nonce. */
  random (nonce = randomBytes(12)): Buffer {
    this.raw(encodeRandomPacket({ iv: randomBytes(16), nonce, flag: 0, authdata: this.id }, randomBytes(20), this.#mask))
    return nonce
  }

  message (plaintext: Buffer, nonce = randomBytes(12)): void {
    this.raw(encodeMessagePacket({ iv: randomBytes(16), nonce, flag: 0, authdata: this.id }, plaintext, this.writeKey ?? createSecretKey(randomBytes(16)), this.#mask))
  }

  whoareyou (nonce: Buffer, enrSeq = 0n): Buffer {
    const { packet, challengeData } = encodeWhoareyou({ iv: randomBytes(16), nonce, idNonce: randomBytes(16), enrSeq }, this.#mask)
    this.raw(packet)
    return challengeData
  }

  /** Answers a challenge. `wrong` spoils a part of it. */
  handshake (challenge: Packet, plaintext: Buffer, { withRecord = true, wrong }: { readonly withRecord?: boolean, readonly wrong?: 'signature' | 'ephemeral' | 'record' } = {}): void {
    const ephemeral = randomBytes(32)
    const ephemeralKey = wrong === 'ephemeral' ? Buffer.alloc(33, 5) : curve.publicKey(ephemeral)
    const target = decodeRecord(this.#target.bytes, curve)
    const keys = deriveKeys({ publicKey: target.publicKey, privateKey: ephemeral, initiatorId: this.id, recipientId: target.id, challengeData: challenge.ad }, curve)
    const signature = curve.sign(idProofDigest(wrong === 'signature' ? randomBytes(63) : challenge.ad, ephemeralKey, target.id), this.key)
    const record = wrong === 'record' ? signRecord(1n, {}, randomBytes(32), curve) : this.record
    const authdata = handshakeAuthdata(this.id, signature, ephemeralKey, withRecord ? record.bytes : undefined)
    this.writeKey = keys.initiator
    this.readKey = keys.recipient
    this.raw(encodeMessagePacket({ iv: randomBytes(16), nonce: randomBytes(12), flag: 2, authdata }, plaintext, keys.initiator, this.#mask))
  }

  /** A session, from nothing. */
  async greet (plaintext: Buffer): Promise<void> {
    this.random()
    await this.settled()
    const challenge = this.challenges().at(-1)
    if (challenge === undefined) throw new Error('no WHOAREYOU')
    this.handshake(challenge, plaintext)
    await this.settled()
  }

  challenges (): Array<Packet & { readonly bytes: Buffer }> {
    return this.packets.filter(({ authdata }) => authdata.kind === 'whoareyou')
  }

  /** Its PINGs that were answered. What it gets besides depends on when the node looks at its table. */
  pongs (): number {
    return this.messages().filter(({ kind }) => kind === 'pong').length
  }

  /** Messages that this peer can read. */
  messages (): Message[] {
    const { readKey } = this
    if (readKey === undefined) return []
    return this.packets.filter(({ authdata }) => authdata.kind !== 'whoareyou')
      .map(packet => decryptMessage(packet, readKey)).filter(plaintext => plaintext !== undefined).map(decodeMessage)
  }
}
