import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/component.ts'
import type { Counts } from '../counts.ts'
import type { RecordCache } from '../enr/record-cache.ts'
import type { Enr } from '../enr/record.ts'
import type { Guard } from '../protect/guard.ts'
import type { Messenger, Peer } from '../session/messenger.ts'
import { mayRelay } from '../table/addresses.ts'
import type { Placed, Table } from '../table/table.ts'
import type { Message } from '../wire/message.ts'
import { decodeTopicRequest, encodeConfirmation, encodeTopicnodes, MAX_TOPIC_DISTANCES, type TopicRequest } from '../wire/topic-message.ts'
import { chooseAuxiliary } from './auxiliary.ts'
import { speaksOfTopics } from './capability.ts'
import type { TopicParameters } from './parameters.ts'
import { Registrar } from './registrar.ts'
import { Tickets } from './ticket.ts'

interface Deps {
  readonly self: Uint8Array
  readonly table: Pick<Table, 'entries'>
  readonly messenger: Pick<Messenger, 'reply'>
  readonly records: Pick<RecordCache, 'decode'>
  readonly guard: Pick<Guard, 'admitTopic'>
  /** Whether others may be told of this node. */
  readonly admits: (record: Enr) => boolean
  readonly counts: Counts
  readonly now: Clock
  readonly random: () => number
}

/** Answers REGTOPIC and TOPICQUERY of proven nodes. What it refuses it does not answer: the protocol has no word for it. */
export class TopicResponder {
  readonly #deps: Deps
  readonly #registrar: Registrar

  constructor (params: TopicParameters, deps: Deps) {
    this.#deps = deps
    // The key goes with the process: a ticket speaks in times of this run.
    this.#registrar = new Registrar(params, { tickets: new Tickets(randomBytes(32), deps.self), random: deps.random })
  }

  get ads (): number { return this.#registrar.ads }

  /** What is held here of a topic. */
  find (topic: Uint8Array): Enr[] {
    return this.#registrar.find(topic, this.#deps.now()).map(({ record }) => record)
  }

  /** @throws {Malformed} */
  onRequest (from: Peer, { plaintext }: Message & { readonly kind: 'topic' | 'topic-answer' }): void {
    const { guard, counts, now } = this.#deps
    if (!guard.admitTopic(from.id.toString('hex'), from.ip, now())) return
    const request = decodeTopicRequest(plaintext)
    if (request.kind === 'topicquery') return this.#answerQuery(from, request)
    const record = this.#deps.records.decode(request.record)
    if (record === undefined || !record.id.equals(from.id) || !this.#deps.admits(record)) return void counts.topics.refused_record++
    // The similarity of addresses counts only where they are proven: by the session that the request came in.
    if (!record.endpoints().some(({ ip }) => ip === from.ip)) return void counts.topics.refused_address++
    this.#answerRegistration(from, request, record)
  }

  /** Takes out the advertisements of nodes that are gone. */
  removeAll (isGone: (node: Placed) => boolean): void {
    this.#registrar.removeAll(({ record, ip }) => isGone({ record, endpoint: { ip, port: 0 } }), this.#deps.now())
  }

  /** Takes out what is over; called every few milliseconds. */
  tick (): void {
    this.#registrar.sweep(this.#deps.now())
  }

  #answerRegistration (from: Peer, { requestId, topic, ticket, distances }: TopicRequest & { readonly kind: 'regtopic' }, record: Enr): void {
    const { counts, messenger, now } = this.#deps
    const answer = this.#registrar.register({ topic, record, ip: from.ip, ticket }, now())
    counts.topics[answer.outcome]++
    if (answer.outcome === 'waiting' && answer.fault !== undefined) counts.topics[`ticket_${answer.fault}`]++
    const [next, waitMs] = answer.outcome === 'waiting' ? [answer.ticket, answer.waitMs] : [Buffer.alloc(0), answer.lifetimeMs]
    for (const part of encodeConfirmation(requestId, next, waitMs, this.#auxiliary(from, topic, distances))) messenger.reply(from, part)
  }

  #answerQuery (from: Peer, { requestId, topic, distances }: TopicRequest & { readonly kind: 'topicquery' }): void {
    const { counts, messenger, now } = this.#deps
    const found = this.#registrar.find(topic, now()).filter(({ ip }) => mayRelay(from.ip, ip)).map(({ record }) => record.bytes)
    counts.topics[found.length > 0 ? 'query' : 'query_empty']++
    for (const part of encodeTopicnodes(requestId, found, this.#auxiliary(from, topic, distances))) messenger.reply(from, part)
  }

  /** Nodes that answered us, speak of topics, and that this one may hear of. */
  #auxiliary (to: Peer, topic: Buffer, distances: readonly number[]): Buffer[] {
    const { table, admits, random } = this.#deps
    if (distances.length === 0) return []
    const known = table.entries().filter(({ record, endpoint, checks }) => checks > 0 && speaksOfTopics(record) && !record.id.equals(to.id) && mayRelay(to.ip, endpoint.ip))
    const chosen = chooseAuxiliary({ topic, distances, limit: MAX_TOPIC_DISTANCES }, known.map(({ record }) => record), random)
    return chosen.filter(admits).map(({ bytes }) => bytes)
  }
}
