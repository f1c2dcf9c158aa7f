import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import { Codec, type Packet, type WhoAreYou } from './codec.ts'
import type { Message } from './messages.ts'
import { JUDGES_CURVE, makeRecord, readRecord, readRecordText, type Identity, type JudgedRecord } from './record.ts'

/** What geth's tests wait for an answer. */
const WAIT_MS = 300

/** The node on trial broke a rule; the message says which. */
export class Nonconformity extends Error {}

export type Received = Packet | { readonly type: 'TIMEOUT' } | { readonly type: 'INVALID', readonly reason: string }

/** One UDP socket, read one packet at a time. */
export class Listener implements AsyncDisposable {
  readonly #socket: Socket
  /** Bounded by what a test lets pile up between two reads. */
  readonly #queue: Buffer[] = []
  #wake: () => void = () => {}
  readonly ip: string

  private constructor (socket: Socket, ip: string) {
    this.#socket = socket
    this.ip = ip
    socket.on('message', packet => {
      this.#queue.push(packet)
      this.#wake()
    })
  }

  static async open (ip: string): Promise<Listener> {
    const socket = createSocket('udp4')
    socket.bind(0, ip)
    await once(socket, 'listening')
    return new Listener(socket, ip)
  }

  get port (): number { return this.#socket.address().port }

  send (packet: Buffer, to: { readonly ip: string, readonly port: number }): void {
    this.#socket.send(packet, to.port, to.ip)
  }

  /** The next packet, or undefined after 300 ms. */
  async next (): Promise<Buffer | undefined> {
    if (this.#queue.length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, WAIT_MS)
      this.#wake = resolve
      await promise
      clearTimeout(timer)
    }
    return this.#queue.shift()
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    this.#socket.close()
    await once(this.#socket, 'close')
  }
}

/** A node of no great manners that talks to the node on trial: one identity, one session, one socket or two. */
export class Tester {
  readonly identity: Identity
  readonly remote: JudgedRecord
  readonly #codec: Codec
  readonly #address: { readonly ip: string, readonly port: number }
  #requests = 0

  constructor (record: string | JudgedRecord, curve = JUDGES_CURVE) {
    this.remote = typeof record === 'string' ? readRecordText(record) : record
    this.identity = curve.newIdentity()
    this.#codec = new Codec(this.identity, this.remote, curve)
    if (this.remote.ip === undefined || this.remote.udp === undefined) throw new Error('the record on trial has no address')
    this.#address = { ip: this.remote.ip, port: this.remote.udp }
  }

  /** From now on the record says where this tester can be found. */
  advertise ({ ip, port }: Listener): void {
    this.#codec.record = makeRecord(this.identity, { ip, udp: port })
  }

  /** Four bytes, big-endian: with leading zeros, which have to come back. */
  nextReqId (): Buffer {
    const id = Buffer.alloc(4)
    id.writeUInt32BE(++this.#requests)
    return id
  }

  ping (): Message & { readonly type: 'PING' } { return { type: 'PING', reqId: this.nextReqId(), enrSeq: 0n } }

  write (listener: Listener, message: Message): Buffer {
    const { packet, nonce } = this.#codec.encode(message)
    listener.send(packet, this.#address)
    return nonce
  }

  answer (listener: Listener, challenge: WhoAreYou, message: Message): void {
    listener.send(this.#codec.encodeHandshake(message, challenge), this.#address)
  }

  async read (listener: Listener): Promise<Received> {
    const packet = await listener.next()
    if (packet === undefined) return { type: 'TIMEOUT' }
    try {
      return this.#codec.decode(packet)
    } catch (err) {
      return { type: 'INVALID', reason: (err as Error).message }
    }
  }

  /** One request, with the handshake when the node asks for it. */
  async request (listener: Listener, message: Message): Promise<Received> {
    const nonce = this.write(listener, message)
    const first = await this.read(listener)
    if (first.type !== 'WHOAREYOU') return first
    if (!first.nonce.equals(nonce)) throw new Nonconformity('WHOAREYOU names another nonce than the request had')
    this.answer(listener, first, message)
    return await this.read(listener)
  }

  /** The records of one FINDNODE, each verified. */
  async findNode (listener: Listener, distances: readonly number[]): Promise<JudgedRecord[]> {
    const request: Message = { type: 'FINDNODE', reqId: this.nextReqId(), distances }
    const nonce = this.write(listener, request)
    return await this.collectNodes(listener, request, nonce)
  }

  /** Reads until all NODES packets of the answer are there, with the handshake and the node's own PINGs between them. */
  async collectNodes (listener: Listener, request: Message, nonce: Buffer): Promise<JudgedRecord[]> {
    const records: JudgedRecord[] = []
    let total: number | undefined
    for (let missing = 1; missing > 0;) {
      const got = await this.read(listener)
      if (got.type === 'WHOAREYOU') {
        if (!got.nonce.equals(nonce)) throw new Nonconformity('WHOAREYOU while NODES were due')
        this.answer(listener, got, request)
      } else if (got.type === 'PING') {
        this.write(listener, { type: 'PONG', reqId: got.reqId, enrSeq: 1n, ip: '127.0.0.1', port: this.#address.port })
      } else if (got.type === 'NODES') {
        if (!isDeepStrictEqual(Buffer.from(got.reqId), Buffer.from(request.reqId))) throw new Nonconformity(`NODES with request ID ${Buffer.from(got.reqId).toString('hex')}`)
        if (got.total < 1 || got.total > 6) throw new Nonconformity(`NODES with total ${got.total}`)
        if (total !== undefined && total !== got.total) throw new Nonconformity('NODES with two different totals')
        missing = total === undefined ? got.total - 1 : missing - 1
        total = got.total
        records.push(...got.records.map(readRecord))
      } else {
        throw new Nonconformity(`expected NODES, got ${describe(got)}`)
      }
    }
    return records
  }
}

export function describe (received: Received): string {
  return received.type === 'INVALID' ? `an invalid packet (${received.reason})` : received.type
}
