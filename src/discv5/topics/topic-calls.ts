import { randomBytes } from 'node:crypto'
import { DhtError } from '../../core/errors.ts'
import type { Counts } from '../counts.ts'
import type { RecordCache } from '../enr/record-cache.ts'
import type { Enr } from '../enr/record.ts'
import type { Messenger, Target } from '../session/messenger.ts'
import { mayRelay } from '../table/addresses.ts'
import { logDistance } from '../table/distance.ts'
import type { Message } from '../wire/message.ts'
import { decodeTopicAnswer, encodeRegtopic, encodeTopicquery, MAX_TOPIC_DISTANCES } from '../wire/topic-message.ts'

interface Deps {
  readonly messenger: Pick<Messenger, 'request'>
  readonly records: Pick<RecordCache, 'decode'>
  readonly self: Uint8Array
  /** Whether the record that another told may be used; whoever answers counts. */
  readonly admits: (record: Enr) => boolean
  readonly counts: Counts
}

export interface Confirmation {
  /** Empty when the advertisement was admitted. */
  readonly ticket: Buffer
  readonly waitMs: number
  readonly auxiliary: readonly Enr[]
}

export interface Found {
  readonly advertisers: readonly Enr[]
  readonly auxiliary: readonly Enr[]
}

/** Parts of one answer that are read. */
const MAX_PARTS = 16
/** Advertisers of one answer: three times what the theory has a registrar return. */
const MAX_ADVERTISERS = 30

/** What we ask of one registrar. */
export class TopicCalls {
  readonly #deps: Deps

  constructor (deps: Deps) {
    this.#deps = deps
  }

  /** @throws {DhtError} Timeout, Backpressure */
  async register (target: Target, topic: Buffer, record: Enr, ticket: Buffer, distances: readonly number[]): Promise<Confirmation> {
    const id = randomBytes(8)
    let confirmation: Omit<Confirmation, 'auxiliary'> | undefined
    const auxiliary = await this.#ask(target, topic, id, encodeRegtopic(id, topic, record.bytes, ticket, distances), distances, plaintext => {
      const answer = decodeTopicAnswer(plaintext)
      // An answer to a repeated request is as good, and the ticket of the first is the older one.
      if (answer.kind === 'regconfirmation') confirmation ??= { ticket: Buffer.from(answer.ticket), waitMs: answer.waitMs }
      return answer.total
    }, () => confirmation !== undefined)
    if (confirmation === undefined) throw new DhtError('Timeout', 'no REGCONFIRMATION')
    return { ...confirmation, auxiliary }
  }

  /** @throws {DhtError} Timeout, Backpressure */
  async query (target: Target, topic: Buffer, distances: readonly number[]): Promise<Found> {
    const id = randomBytes(8)
    const advertisers = new Map<string, Enr>()
    let isAnswered = false
    const auxiliary = await this.#ask(target, topic, id, encodeTopicquery(id, topic, distances), distances, plaintext => {
      const answer = decodeTopicAnswer(plaintext)
      if (answer.kind !== 'topicnodes') return answer.total
      isAnswered = true
      for (const bytes of answer.records) {
        const record = this.#received(bytes, target)
        if (record !== undefined && advertisers.size < MAX_ADVERTISERS) advertisers.set(record.nodeId, record)
      }
      return answer.total
    }, () => isAnswered)
    return { advertisers: [...advertisers.values()], auxiliary }
  }

  /** Sends a request and gathers its parts; gives the auxiliary records. What came of an answer whose rest got lost is an answer, when `isEnough`. */
  async #ask (target: Target, topic: Buffer, id: Buffer, plaintext: Buffer, distances: readonly number[], onPart: (plaintext: Buffer) => number, isEnough: () => boolean): Promise<Enr[]> {
    const auxiliary = new Map<string, Enr>()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let parts = 0
    const onAnswer = (message: Message): boolean => {
      parts++
      if (message.kind === 'topic-answer') return parts >= Math.min(onPart(message.plaintext), MAX_PARTS)
      if (message.kind !== 'nodes') return false
      for (const bytes of message.records) {
        const record = this.#received(bytes, target)
        if (record !== undefined && auxiliary.size < MAX_TOPIC_DISTANCES && distances.includes(logDistance(topic, record.id))) auxiliary.set(record.nodeId, record)
      }
      return parts >= Math.min(message.total, MAX_PARTS)
    }
    this.#deps.messenger.request(target, id, plaintext, onAnswer, err => err === undefined || isEnough() ? resolve() : reject(err))
    await promise
    return [...auxiliary.values()]
  }

  /** Rightly signed, of another than us, and at an address that this sender may tell of. */
  #received (bytes: Buffer, from: Target): Enr | undefined {
    const { records, admits, counts, self } = this.#deps
    const record = records.decode(bytes)
    if (record === undefined || record.id.equals(self) || !admits(record)) return undefined
    const isAllowed = record.endpoints().some(({ ip }) => mayRelay(from.ip, ip))
    if (!isAllowed) counts.drops.table_address++
    return isAllowed ? record : undefined
  }
}
