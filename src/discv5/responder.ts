import type { Logger } from '../observability/logger.ts'
import type { Counts } from './counts.ts'
import type { TalkHandler } from './engine.ts'
import type { Enr } from './enr/record.ts'
import { ipBytes } from './ip.ts'
import { MESSAGE_OVERHEAD_BYTES, type Messenger, type Peer } from './session/messenger.ts'
import { mayRelay } from './table/addresses.ts'
import { BUCKET_SIZE, type Table } from './table/table.ts'
import { encodeNodes, encodePong, encodeTalkresp, type Message } from './wire/message.ts'
import { MAX_PACKET_BYTES } from './wire/packet.ts'

interface Deps {
  readonly table: Table
  readonly messenger: Messenger
  readonly ownRecord: () => Enr
  /** Whether others may be told of this node. */
  readonly admits: (record: Enr) => boolean
  readonly counts: Counts
  readonly log: Logger
}

/** TALKREQs that wait for their handler; more get the empty reply. */
const TALKS = 1024
const EMPTY = Buffer.alloc(0)

/** Answers requests of proven nodes. */
export class Responder {
  readonly #deps: Deps
  /** Bounded by what the daemon registers. */
  readonly #talk = new Map<string, TalkHandler>()
  #talking = 0

  constructor (deps: Deps) {
    this.#deps = deps
  }

  onTalkRequest (protocol: string, handler: TalkHandler): () => void {
    this.#talk.set(protocol, handler)
    return () => {
      if (this.#talk.get(protocol) === handler) this.#talk.delete(protocol)
    }
  }

  pong (to: Peer, requestId: Buffer): void {
    this.#deps.messenger.reply(to, encodePong(requestId, this.#deps.ownRecord().seq, ipBytes(to.ip), to.port))
  }

  /** Spec: distance 0 is our own record; of others only nodes that answered us, and that this one may hear of. */
  nodes (to: Peer, { requestId, distances }: Message & { readonly kind: 'findnode' }): void {
    const { table, messenger, ownRecord, admits } = this.#deps
    const records: Uint8Array[] = distances.includes(0) ? [ownRecord().bytes] : []
    const others = table.at(distances.filter(distance => distance > 0), BUCKET_SIZE - records.length, entry => mayRelay(to.ip, entry.endpoint.ip) && admits(entry.record))
    for (const { record } of others) records.push(record.bytes)
    for (const part of encodeNodes(requestId, records)) messenger.reply(to, part)
  }

  /** Every TALKREQ is answered; without a handler, or when it fails, with nothing in it. */
  talk (to: Peer, { requestId, protocol, request }: Message & { readonly kind: 'talkreq' }): void {
    const { messenger, counts } = this.#deps
    const from: Peer = { ...to, id: Buffer.from(to.id) }
    const reply = (response: Uint8Array | undefined): void => {
      const fits = response !== undefined && response.length + MESSAGE_OVERHEAD_BYTES + requestId.length + 12 <= MAX_PACKET_BYTES
      messenger.reply(from, encodeTalkresp(requestId, fits ? response : EMPTY))
    }
    const handler = this.#talk.get(protocol.toString('utf8'))
    if (handler === undefined) {
      counts.events.talk_unknown++
      return reply(undefined)
    }
    if (this.#talking >= TALKS) {
      counts.drops.limit_talk++
      return reply(undefined)
    }
    this.#talking++
    void this.#ask(handler, from, request).then(response => {
      this.#talking--
      reply(response)
    })
  }

  async #ask (handler: TalkHandler, { id, ip, port }: Peer, request: Buffer): Promise<Uint8Array | undefined> {
    try {
      return await handler({ nodeId: id.toString('hex'), ip, port }, request)
    } catch (err) {
      this.#deps.log.warn({ event: 'talk_handler_failed', err }, 'a TALKREQ handler failed')
      return undefined
    }
  }
}
