import type { Clock } from '../../core/component.ts'
import { DhtError } from '../../core/errors.ts'
import type { Counts } from '../counts.ts'
import type { Advertisement, LookupOptions, TopicDiscovery, TopicResult } from '../engine.ts'
import type { RecordCache } from '../enr/record-cache.ts'
import type { Enr } from '../enr/record.ts'
import type { Guard } from '../protect/guard.ts'
import type { Messenger, Peer, Target } from '../session/messenger.ts'
import type { Placed, Table } from '../table/table.ts'
import type { Message } from '../wire/message.ts'
import { Advertiser } from './advertiser.ts'
import { Discoverer } from './discoverer.ts'
import { Exclusions } from './exclusions.ts'
import type { TopicParameters } from './parameters.ts'
import { ServiceTables } from './service-tables.ts'
import { TopicCalls } from './topic-calls.ts'
import { TopicResponder } from './topic-responder.ts'

interface Deps {
  readonly table: Pick<Table, 'entries'>
  readonly messenger: Pick<Messenger, 'reply' | 'request'>
  readonly records: Pick<RecordCache, 'decode'>
  readonly guard: Pick<Guard, 'admitTopic'>
  readonly ownRecord: () => Enr
  /** Whether others may be told of this node, or what they told of it may be used. */
  readonly admits: (record: Enr) => boolean
  /** Takes a record that another told into the node's own table, which checks that it lives. */
  readonly learn: (record: Enr, toldBy: string) => boolean
  /** @throws {DhtError} for a node that cannot be asked */
  readonly target: (record: Enr) => Target
  readonly counts: Counts
  readonly now: Clock
  readonly random: () => number
}

/** Topic discovery of one node: registrar, advertiser and discoverer. */
export class Topics implements TopicDiscovery {
  readonly #params: TopicParameters
  readonly #deps: Deps
  readonly #responder: TopicResponder
  readonly #tables: ServiceTables
  readonly #discoverer: Discoverer
  readonly #advertiser: Advertiser

  constructor (params: TopicParameters, deps: Deps) {
    this.#params = params
    this.#deps = deps
    const self = deps.ownRecord().id
    const exclusions = new Exclusions()
    const calls = new TopicCalls({ ...deps, self })
    this.#responder = new TopicResponder(params, { ...deps, self })
    this.#tables = new ServiceTables({ ...deps, exclusions })
    this.#discoverer = new Discoverer(params, { ...deps, tables: this.#tables, calls, exclusions })
    this.#advertiser = new Advertiser(params, { ...deps, tables: this.#tables, calls, exclusions })
  }

  /** Advertisements held for others. */
  get ads (): number { return this.#responder.ads }

  /** @throws {Malformed} */
  onRequest (from: Peer, message: Message & { readonly kind: 'topic' | 'topic-answer' }): void {
    this.#responder.onRequest(from, message)
  }

  async find (topic: string, { count = this.#params.advertisersSought, signal }: LookupOptions = {}): Promise<TopicResult> {
    const id = parseTopic(topic)
    return await this.#discoverer.find({ topic: id, count, seeds: this.#responder.find(id), signal })
  }

  assertRoom (topic: string): void {
    this.#advertiser.assertRoom(parseTopic(topic).toString('hex'))
  }

  advertise (topic: string, durationMs: number): Advertisement {
    const name = parseTopic(topic).toString('hex')
    this.#advertiser.advertise(name, this.#deps.now() + durationMs)
    return this.#advertiser.list().find(advert => advert.topic === name) as Advertisement
  }

  withdraw (topic: string): boolean {
    return this.#advertiser.withdraw(parseTopic(topic).toString('hex'))
  }

  advertisements (): readonly Advertisement[] {
    return this.#advertiser.list()
  }

  /** Takes all that nodes have here that are gone. */
  removeAll (isGone: (node: Placed) => boolean): void {
    const isGoneRecord = (record: Enr): boolean => isGone({ record, endpoint: record.endpoints()[0] ?? { ip: '', port: 0 } })
    this.#responder.removeAll(isGone)
    this.#tables.removeAll(isGoneRecord)
    this.#advertiser.removeAll(isGoneRecord)
  }

  /** Takes out what is over and does what is due; called every few milliseconds. */
  tick (): void {
    this.#responder.tick()
    this.#advertiser.tick()
  }
}

/** @throws {DhtError} BadRequest */
function parseTopic (topic: string): Buffer {
  if (!/^[0-9a-f]{64}$/i.test(topic)) throw new DhtError('BadRequest', 'a topic is 64 hexadecimal characters')
  return Buffer.from(topic, 'hex')
}
