import type { Clock } from '../../core/component.ts'
import { DhtError } from '../../core/errors.ts'
import type { Counts } from '../counts.ts'
import type { Enr } from '../enr/record.ts'
import type { Guard } from '../protect/guard.ts'
import { Malformed } from '../malformed.ts'
import type { Secp256k1 } from '../secp256k1.ts'
import { deriveKeys, idProofDigest } from '../wire/handshake.ts'
import { Mask } from '../wire/mask.ts'
import { decodeMessage, type Message } from '../wire/message.ts'
import { decodePacket, decryptMessage, encodeMessagePacket, encodeRandomPacket, encodeWhoareyou, handshakeAuthdata, IV_BYTES, NONCE_BYTES, TAG_BYTES, type Authdata, type Packet } from '../wire/packet.ts'
import { Challenges } from './challenges.ts'
import { Deadlines } from './deadlines.ts'
import { RandomPool } from './random-pool.ts'
import { sessionKey, Sessions, type Session } from './sessions.ts'

/** The other side of a session, at the endpoint its packets come from. */
export interface Peer {
  readonly id: Buffer
  readonly ip: string
  readonly port: number
}

/** A node to ask: its record proves its key. */
export interface Target extends Peer { readonly record: Enr }

interface Options {
  readonly sessions: number
  readonly calls: number
  readonly callsPerNode: number
  readonly requestTimeoutMs: number
  /** Attempts after the first. */
  readonly retries: number
}

interface Deps {
  readonly secp256k1: Secp256k1
  readonly privateKey: Uint8Array
  readonly ownRecord: () => Enr
  readonly knownRecord: (id: Buffer) => Enr | undefined
  /** Undefined for what is no valid record; the reason was counted. */
  readonly decodeRecord: (bytes: Buffer) => Enr | undefined
  readonly send: (packet: Buffer, ip: string, port: number) => void
  readonly guard: Guard
  /** Whether a node is let in: by its node ID alone while its record is unknown. Whoever answers counts. */
  readonly admits: (nodeId: string, record: Enr | undefined, place: 'packet' | 'handshake') => boolean
  readonly counts: Counts
  readonly now: Clock
  /** A request of a node that proved who it is. */
  readonly onRequest: (from: Peer, message: Message) => void
  /** A node made a session with us and this is its record. */
  readonly onHandshake: (from: Peer, record: Enr) => void
}

/** An answer arrived; true when it was the last. */
type OnAnswer = (message: Message) => boolean

interface Call {
  readonly target: Target
  readonly key: string
  readonly plaintext: Buffer
  readonly answerKey: string
  readonly onAnswer: OnAnswer
  readonly settle: (err?: Error) => void
  /** Nonces of all attempts: a repeated challenge names the first. Bounded by the retries. */
  readonly nonces: string[]
  retries: number
  handshakes: number
  deadline: number
  isDone: boolean
}

/** discv5 theory: how long a challenge waits for its handshake. */
const CHALLENGE_MS = 1000
const CHALLENGES = 16_384
const RANDOM_MESSAGE_BYTES = 20
/** A node that answers each handshake with another WHOAREYOU is given up. */
const MAX_HANDSHAKES = 4

/** Packets, sessions and handshakes: turns datagrams into messages of proven nodes, and requests into answers. */
export class Messenger {
  readonly #opts: Options
  readonly #deps: Deps
  readonly #sessions: Sessions
  readonly #challenges = new Challenges(CHALLENGES)
  readonly #random = new RandomPool()
  readonly #mask: Mask
  readonly #deadlines = new Deadlines<Call>()
  /** Bounded by `calls`. */
  readonly #byAnswer = new Map<string, Call>()
  /** Bounded by `calls` and `retries`. */
  readonly #byNonce = new Map<string, Call>()
  /** Calls of one node, by session key; the first makes the handshake, the others wait for it. Bounded by `callsPerNode`. */
  readonly #byNode = new Map<string, Call[]>()
  /** Calls by endpoint. Bounded by `calls`. */
  readonly #awaited = new Map<string, number>()

  constructor (opts: Options, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
    this.#sessions = new Sessions(opts.sessions, () => deps.guard.sessionsPerHost)
    this.#mask = new Mask(deps.ownRecord().id)
  }

  get sessions (): number { return this.#sessions.size }
  get pending (): number { return this.#byAnswer.size }

  /** A datagram. Never throws: what is malformed is counted. */
  receive (datagram: Buffer, ip: string, port: number): void {
    const { counts, guard, now } = this.#deps
    try {
      const from = this.#awaited.size > 0 ? `${ip}|${port}` : ''
      if (!guard.admit(ip, now(), this.#awaited.has(from) ? from : undefined)) return
      const packet = decodePacket(datagram, this.#mask)
      const { authdata } = packet
      if (authdata.kind === 'message') this.#onMessage(packet, { id: authdata.sourceId, ip, port })
      else if (authdata.kind === 'whoareyou') this.#onWhoareyou(packet, authdata, ip, port)
      else this.#onHandshake(packet, authdata, { id: authdata.sourceId, ip, port })
    } catch (err) {
      counts.drops[err instanceof Malformed ? err.reason : 'internal']++
    }
  }

  /** Answers a request over the session it came in. */
  reply (to: Peer, plaintext: Buffer): void {
    const session = this.#sessions.get(sessionKey(to.id, to.ip, to.port))
    if (session === undefined) return // pushed out while the answer was made
    this.#send(to, session, plaintext)
  }

  /** `settle` is called once: without an error when `onAnswer` said that an answer was the last. */
  request (target: Target, requestId: Buffer, plaintext: Buffer, onAnswer: OnAnswer, settle: (err?: Error) => void): void {
    const { calls, callsPerNode, retries } = this.#opts
    const key = sessionKey(target.id, target.ip, target.port)
    const ofNode = this.#byNode.get(key) ?? []
    if (this.#byAnswer.size >= calls || ofNode.length >= callsPerNode) {
      this.#deps.counts.drops.limit_queue++
      return settle(new DhtError('Backpressure', 'too many discv5 requests wait for an answer', { retryAfterMs: this.#opts.requestTimeoutMs }))
    }
    const answerKey = `${key}${requestId.toString('latin1')}`
    const call: Call = { target, key, plaintext, answerKey, onAnswer, settle, nonces: [], retries, handshakes: 0, deadline: 0, isDone: false }
    this.#byAnswer.set(answerKey, call)
    this.#byNode.set(key, [...ofNode, call])
    this.#await(target, 1)
    this.#attempt(call)
  }

  /** Repeats or ends the calls whose time is over; called every few milliseconds. */
  tick (): void {
    const now = this.#deps.now()
    this.#challenges.sweep(now)
    for (const call of this.#deadlines.expired(now)) {
      if (call.retries === 0) {
        this.#deps.counts.events.call_timeout++
        this.#end(call, new DhtError('Timeout', `node ${call.target.id.toString('hex').slice(0, 16)}… at ${call.target.ip} did not answer`))
      } else {
        call.retries--
        this.#deps.counts.events.call_retry++
        this.#attempt(call)
      }
    }
  }

  /** Ends every call. */
  stop (): void {
    for (const call of [...this.#byAnswer.values()]) this.#end(call, new DhtError('NotReady', 'discv5 is stopping'))
  }

  /** Ends the sessions, challenges and calls of nodes. */
  drop (isGone: (nodeId: string, record?: Enr) => boolean): void {
    this.#sessions.removeAll(isGone)
    this.#challenges.removeAll(isGone)
    for (const call of [...this.#byAnswer.values()]) {
      const { record } = call.target
      if (isGone(record.nodeId, record)) this.#end(call, new DhtError('NoCapability', 'This node was shut out.', { reason: 'member' }))
    }
  }

  #attempt (call: Call): void {
    call.deadline = this.#deps.now() + this.#opts.requestTimeoutMs
    this.#deadlines.add(call)
    const session = this.#sessions.get(call.key)
    if (session !== undefined) return this.#remember(call, this.#send(call.target, session, call.plaintext))
    const isWaiting = this.#byNode.get(call.key)?.[0] !== call
    if (isWaiting) return // the first call of this node is making the session
    const nonce = this.#random.take(NONCE_BYTES)
    this.#remember(call, nonce)
    const head = { iv: this.#random.take(IV_BYTES), nonce, flag: 0, authdata: this.#deps.ownRecord().id } as const
    this.#deps.send(encodeRandomPacket(head, this.#random.take(RANDOM_MESSAGE_BYTES), new Mask(call.target.id)), call.target.ip, call.target.port)
    this.#deps.counts.events.out_message++
  }

  /** Sends a message; returns its nonce. */
  #send (to: Peer, session: Session, plaintext: Buffer): Buffer {
    const nonce = this.#nonce(session)
    const head = { iv: this.#random.take(IV_BYTES), nonce, flag: 0, authdata: this.#deps.ownRecord().id } as const
    this.#deps.send(encodeMessagePacket(head, plaintext, session.writeKey, session.mask), to.ip, to.port)
    this.#deps.counts.events.out_message++
    return nonce
  }

  /** Spec: 32 bits of counter and 64 random ones; the random half starts anew with each key. */
  #nonce (session: Session): Buffer {
    const nonce = this.#random.take(NONCE_BYTES)
    nonce.writeUInt32BE(session.sent, 0)
    session.sent++
    return nonce
  }

  #onMessage (packet: Packet, from: Peer): void {
    const { counts, guard, admits, now, knownRecord } = this.#deps
    counts.events.in_message++
    const nodeId = from.id.toString('hex')
    // Who is judged by the record alone is challenged for it. A session was made by who was let in, and ends with the list that let it in.
    if (!admits(nodeId, knownRecord(from.id), 'packet')) return
    const key = sessionKey(from.id, from.ip, from.port)
    const session = this.#sessions.get(key)
    const plaintext = session === undefined ? undefined : decrypt(packet, session)
    if (plaintext === undefined) return this.#challenge(packet, from, key)
    if (!guard.admitNode(nodeId, from.ip, now())) return
    this.#onPlaintext(from, key, plaintext)
  }

  #onPlaintext (from: Peer, key: string, plaintext: Buffer): void {
    const message = decodeMessage(plaintext)
    const { counts } = this.#deps
    if (message.kind === 'pong' || message.kind === 'nodes' || message.kind === 'talkresp' || message.kind === 'topic-answer') {
      const call = this.#byAnswer.get(`${key}${message.requestId.toString('latin1')}`)
      if (call === undefined) {
        counts.drops.no_call++
      } else if (call.onAnswer(message)) {
        counts.events.call_ok++
        this.#end(call)
      }
    } else {
      this.#deps.onRequest(from, message)
    }
  }

  #challenge (packet: Packet, to: Peer, key: string): void {
    const { guard, now, counts, knownRecord } = this.#deps
    const time = now()
    const record = knownRecord(to.id)
    if (!guard.mayChallenge(to.ip, isAt(record, to.ip), time)) return
    let challenge = this.#challenges.get(key, time)
    if (challenge === undefined) {
      const head = { iv: this.#random.take(IV_BYTES), nonce: packet.nonce, idNonce: this.#random.take(16), enrSeq: record?.seq ?? 0n }
      // Its mask is not kept for the session: thousands of ciphers that a flood leaves behind cost more than making one again.
      challenge = { ...encodeWhoareyou(head, new Mask(to.id)), record, expiresAt: time + CHALLENGE_MS }
      this.#challenges.set(key, challenge)
    }
    // While it is pending the same challenge is sent again, as geth does: one of two crossing packets must win.
    this.#deps.send(challenge.packet, to.ip, to.port)
    counts.events.out_whoareyou++
  }

  #onWhoareyou (packet: Packet, { enrSeq }: Authdata & { readonly kind: 'whoareyou' }, ip: string, port: number): void {
    const { counts, secp256k1, privateKey, ownRecord } = this.#deps
    counts.events.in_whoareyou++
    const call = this.#byNonce.get(packet.nonce.toString('latin1'))
    if (call === undefined) return void counts.drops.no_call++
    const { target } = call
    if (target.ip !== ip || target.port !== port) return void counts.drops.wrong_endpoint++
    if (call.handshakes++ >= MAX_HANDSHAKES) return
    const own = ownRecord()
    const ephemeral = this.#ephemeralKey()
    const ephemeralKey = secp256k1.publicKey(ephemeral)
    const keys = deriveKeys({ publicKey: target.record.publicKey, privateKey: ephemeral, initiatorId: own.id, recipientId: target.id, challengeData: packet.ad }, secp256k1)
    const signature = secp256k1.sign(idProofDigest(packet.ad, ephemeralKey, target.id), privateKey)
    const session: Session = { readKey: keys.recipient, writeKey: keys.initiator, mask: new Mask(target.id), sent: 0 }
    this.#sessions.set(call.key, session)
    counts.events.session_new++
    const authdata = handshakeAuthdata(own.id, signature, ephemeralKey, enrSeq === own.seq ? undefined : own.bytes)
    const nonce = this.#nonce(session)
    this.#remember(call, nonce)
    this.#deps.send(encodeMessagePacket({ iv: this.#random.take(IV_BYTES), nonce, flag: 2, authdata }, call.plaintext, keys.initiator, session.mask), ip, port)
    counts.events.out_handshake++
    for (const waiting of this.#byNode.get(call.key) ?? []) {
      if (waiting !== call && waiting.nonces.length === 0) this.#remember(waiting, this.#send(target, session, waiting.plaintext))
    }
  }

  #onHandshake (packet: Packet, authdata: Authdata & { readonly kind: 'handshake' }, from: Peer): void {
    const { counts, guard, admits, now, secp256k1, privateKey, ownRecord, knownRecord, decodeRecord } = this.#deps
    counts.events.in_handshake++
    const key = sessionKey(from.id, from.ip, from.port)
    const challenge = this.#challenges.get(key, now())
    if (challenge === undefined) return void counts.drops.no_challenge++
    if (!guard.mayShakeHands(isAt(challenge.record, from.ip), now())) return
    // One try for one challenge, so that guesses cost a round trip each.
    this.#challenges.delete(key)
    const sent = authdata.record === undefined ? challenge.record : decodeRecord(authdata.record)
    if (sent === undefined || !sent.id.equals(from.id)) return void counts.drops.bad_proof++
    const record = this.#newest(sent, knownRecord(from.id))
    const nodeId = from.id.toString('hex')
    if (!admits(nodeId, record, 'handshake')) return // its own record says so: no proof is needed to refuse it
    const own = ownRecord().id
    if (!secp256k1.verify(authdata.signature, idProofDigest(challenge.challengeData, authdata.ephemeralKey, own), record.publicKey)) return void counts.drops.bad_proof++
    const keys = this.#keysOf(authdata.ephemeralKey, { privateKey, initiatorId: from.id, recipientId: own, challengeData: challenge.challengeData })
    const plaintext = decryptMessage(packet, keys.initiator)
    if (plaintext === undefined) return void counts.drops.decrypt++
    if (!guard.admitNode(nodeId, from.ip, now()) || !guard.mayJoin(nodeId, from.ip)) return
    this.#sessions.set(key, { readKey: keys.initiator, writeKey: keys.recipient, mask: new Mask(from.id), sent: 0 })
    counts.events.session_new++
    this.#onPlaintext(from, key, plaintext)
    this.#deps.onHandshake(from, record)
  }

  #keysOf (publicKey: Buffer, inputs: Omit<Parameters<typeof deriveKeys>[0], 'publicKey'>): ReturnType<typeof deriveKeys> {
    try {
      return deriveKeys({ publicKey, ...inputs }, this.#deps.secp256k1)
    } catch {
      throw new Malformed('key', 'an ephemeral key that is no point of the curve')
    }
  }

  #newest (sent: Enr, known: Enr | undefined): Enr {
    return known !== undefined && known.seq > sent.seq && known.id.equals(sent.id) ? known : sent
  }

  #ephemeralKey (): Buffer {
    for (;;) {
      const key = Buffer.from(this.#random.take(32))
      if (this.#deps.secp256k1.isPrivateKey(key)) return key // all but one in 2^127 are
    }
  }

  #remember (call: Call, nonce: Buffer): void {
    const text = nonce.toString('latin1')
    call.nonces.push(text)
    this.#byNonce.set(text, call)
  }

  #await ({ ip, port }: Target, by: 1 | -1): void {
    const from = `${ip}|${port}`
    const calls = (this.#awaited.get(from) ?? 0) + by
    if (calls > 0) this.#awaited.set(from, calls)
    else this.#awaited.delete(from)
  }

  #end (call: Call, err?: Error): void {
    if (call.isDone) return
    call.isDone = true
    this.#await(call.target, -1)
    this.#byAnswer.delete(call.answerKey)
    for (const nonce of call.nonces) this.#byNonce.delete(nonce)
    const left = (this.#byNode.get(call.key) ?? []).filter(other => other !== call)
    if (left.length === 0) this.#byNode.delete(call.key)
    else this.#byNode.set(call.key, left)
    call.settle(err)
  }
}

/** Whether a node is known, and there: whoever names its ID from elsewhere is a stranger until it has proved it. */
function isAt (record: Enr | undefined, ip: string): boolean {
  return record?.endpoints().some(endpoint => endpoint.ip === ip) === true
}

function decrypt (packet: Packet, { readKey, previousReadKey }: Session): Buffer | undefined {
  return decryptMessage(packet, readKey) ?? (previousReadKey === undefined ? undefined : decryptMessage(packet, previousReadKey))
}

/** Bytes around a plaintext in an ordinary packet. */
export const MESSAGE_OVERHEAD_BYTES = IV_BYTES + 23 + 32 + TAG_BYTES
