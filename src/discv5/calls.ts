import { randomBytes } from 'node:crypto'
import type { Clock } from '../core/component.ts'
import { DhtError } from '../core/errors.ts'
import type { Counts } from './counts.ts'
import type { Pong } from './engine.ts'
import type { RecordCache } from './enr/record-cache.ts'
import type { Enr } from './enr/record.ts'
import { MESSAGE_OVERHEAD_BYTES, type Messenger, type Target } from './session/messenger.ts'
import { mayRelay } from './table/addresses.ts'
import { logDistance } from './table/distance.ts'
import { encodeFindnode, encodePing, encodeTalkreq, type Message } from './wire/message.ts'
import { MAX_PACKET_BYTES } from './wire/packet.ts'

interface Deps {
  readonly messenger: Pick<Messenger, 'request'>
  readonly records: Pick<RecordCache, 'decode'>
  readonly ownRecord: () => Enr
  /** Whether the record that another told may be used; whoever answers counts. */
  readonly admits: (record: Enr) => boolean
  readonly counts: Counts
  readonly now: Clock
  /** A node told where it sees us. */
  readonly onPong: (target: Target, pong: Pong) => void
  /** A node told of another. */
  readonly onFound: (record: Enr, toldBy: Target) => void
}

const MAX_NODES_PARTS = 5
/** Records of one answer, and of one lookup. */
export const MAX_NODES = 16

/** What we ask of one node: each request with its own ID, its answer checked. */
export class Calls {
  readonly #deps: Deps

  constructor (deps: Deps) {
    this.#deps = deps
  }

  /** @throws {DhtError} Timeout */
  async ping (target: Target): Promise<Pong> {
    const { ownRecord, now, onPong } = this.#deps
    const id = randomBytes(8)
    const sentAt = now()
    let pong: Pong | undefined
    await this.#call(target, id, encodePing(id, ownRecord().seq), message => {
      if (message.kind !== 'pong') return false
      pong = { enrSeq: message.enrSeq, ip: message.ip, port: message.port, roundTripMs: now() - sentAt }
      return true
    })
    if (pong === undefined) throw new DhtError('Timeout', 'no PONG')
    onPong(target, pong)
    return pong
  }

  /** @throws {DhtError} Timeout, BadRequest */
  async findNode (target: Target, distances: readonly number[]): Promise<Enr[]> {
    if (distances.length === 0 || distances.some(distance => !Number.isInteger(distance) || distance < 0 || distance > 256)) throw new DhtError('BadRequest', 'distances are whole numbers from 0 to 256')
    const id = randomBytes(8)
    const found = new Map<string, Enr>()
    let parts = 0
    await this.#call(target, id, encodeFindnode(id, [...new Set(distances)]), message => {
      if (message.kind !== 'nodes') return false
      parts++
      for (const bytes of message.records) {
        const record = this.#received(bytes, target, distances)
        if (record !== undefined && found.size < MAX_NODES) found.set(record.nodeId, record)
      }
      return parts >= Math.min(message.total, MAX_NODES_PARTS)
    }).catch(err => {
      if (parts === 0) throw err // some parts came: what they hold is an answer
    })
    for (const record of found.values()) this.#deps.onFound(record, target)
    return [...found.values()]
  }

  /** @throws {DhtError} Timeout, TooLarge */
  async talk (target: Target, protocol: string, request: Uint8Array): Promise<Uint8Array> {
    const id = randomBytes(8)
    const plaintext = encodeTalkreq(id, Buffer.from(protocol), request)
    if (plaintext.length + MESSAGE_OVERHEAD_BYTES > MAX_PACKET_BYTES) throw new DhtError('TooLarge', 'a TALKREQ must fit one packet of 1280 bytes')
    let response: Buffer = Buffer.alloc(0)
    await this.#call(target, id, plaintext, message => {
      if (message.kind !== 'talkresp') return false
      response = Buffer.from(message.response)
      return true
    })
    return response
  }

  /** A record in NODES: rightly signed, at a distance that was asked for, at an address that this sender may tell of. */
  #received (bytes: Buffer, from: Target, distances: readonly number[]): Enr | undefined {
    const { records, counts } = this.#deps
    const record = records.decode(bytes)
    if (record === undefined) return undefined
    if (!distances.includes(logDistance(record.id, from.id))) {
      counts.drops.wrong_distance++
      return undefined
    }
    if (!this.#deps.admits(record)) return undefined
    const isAllowed = record.endpoints().length === 0 || record.endpoints().some(({ ip }) => mayRelay(from.ip, ip))
    if (!isAllowed) counts.drops.table_address++
    return isAllowed ? record : undefined
  }

  async #call (target: Target, id: Buffer, plaintext: Buffer, onAnswer: (message: Message) => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#deps.messenger.request(target, id, plaintext, onAnswer, err => err === undefined ? resolve() : reject(err))
    await promise
  }
}
