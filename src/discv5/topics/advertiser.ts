import { DhtError } from '../../core/errors.ts'
import type { Counts } from '../counts.ts'
import type { Advertisement } from '../engine.ts'
import type { Enr } from '../enr/record.ts'
import type { Target } from '../session/messenger.ts'
import { logDistance } from '../table/distance.ts'
import type { Exclusions } from './exclusions.ts'
import type { TopicParameters } from './parameters.ts'
import type { ServiceTables } from './service-tables.ts'
import type { TopicCalls } from './topic-calls.ts'

interface Deps {
  readonly tables: ServiceTables
  readonly calls: Pick<TopicCalls, 'register'>
  readonly exclusions: Exclusions
  readonly ownRecord: () => Enr
  /** @throws {DhtError} for a node that cannot be asked */
  readonly target: (record: Enr) => Target
  readonly counts: Counts
  readonly now: () => number
  readonly random: () => number
}

/** A registration at one registrar. */
interface Placement {
  readonly registrar: Enr
  readonly distance: number
  /** Of our record, for which the ticket is. */
  seq: bigint
  ticket: Buffer
  startedAt: number
  /** Tickets that this attempt was given. */
  tries: number
  /** When it is to be asked next; meaningless while it is. */
  dueAt: number
  isAsked: boolean
  /** Until when it holds our advertisement; 0 for not at all. */
  heldUntil: number
}

interface Advert {
  readonly topic: Buffer
  until: number
  nextFill: number
  /** By registrar. Bounded by MAX_PLACEMENTS. */
  readonly placements: Map<string, Placement>
}

const MAX_ADVERTS = 16
const MAX_PLACEMENTS = 128
const MAX_ASKED = 16
const TICK_MS = 50
const FILL_MS = 5000
/** An attempt that was let in nowhere within so many lifetimes of an advertisement is given up. */
const MAX_LIFETIMES = 4
const MAX_TRIES = 32
/** A renewal begins at this share of the lifetime: what is left is for its wait. */
const RENEW_AT = 0.5
/** Our clock may run faster than the registrar's by a thousandth; who comes early begins anew. */
const EARLY_MS = 100
const DRIFT = 0.001
/** Until a request is tried again that our own queue had no place for. */
const BUSY_MS = 1000
const EMPTY = Buffer.alloc(0)

/** discv5 theory, § Advertiser Behaviour: keeps advertisements of this node at registrars of every distance from the topic. */
export class Advertiser {
  readonly #params: Pick<TopicParameters, 'lifetimeMs' | 'registrationsInBucket'>
  readonly #deps: Deps
  /** Bounded by MAX_ADVERTS. */
  readonly #adverts = new Map<string, Advert>()
  #asked = 0
  #nextTick = 0

  constructor (params: Pick<TopicParameters, 'lifetimeMs' | 'registrationsInBucket'>, deps: Deps) {
    this.#params = params
    this.#deps = deps
  }

  /** @throws {DhtError} Backpressure */
  assertRoom (topic: string): void {
    if (this.#adverts.has(topic) || this.#adverts.size < MAX_ADVERTS) return
    throw new DhtError('Backpressure', `At most ${MAX_ADVERTS} topics are advertised at once.`, { hint: 'Withdraw one first.' })
  }

  /** Of a topic that is advertised already, the end is moved. @throws {DhtError} Backpressure */
  advertise (topic: string, until: number): void {
    this.assertRoom(topic)
    const known = this.#adverts.get(topic)
    if (known !== undefined) return void (known.until = until)
    this.#adverts.set(topic, { topic: Buffer.from(topic, 'hex'), until, nextFill: 0, placements: new Map() })
  }

  /** False when it was not advertised. Registrars forget it when its lifetime is over: the protocol has no word for taking it back. */
  withdraw (topic: string): boolean {
    return this.#adverts.delete(topic)
  }

  list (): Advertisement[] {
    const now = this.#deps.now()
    return [...this.#adverts].map(([topic, { until, placements }]) => {
      const held = [...placements.values()].filter(({ heldUntil }) => heldUntil > now).length
      return { topic, until, held, waiting: placements.size - held }
    })
  }

  removeAll (isGone: (record: Enr) => boolean): void {
    for (const { placements } of this.#adverts.values()) {
      for (const { registrar } of placements.values()) if (isGone(registrar)) placements.delete(registrar.nodeId)
    }
  }

  /** Does what is due; called every few milliseconds. */
  tick (): void {
    const now = this.#deps.now()
    if (now < this.#nextTick) return
    this.#nextTick = now + TICK_MS
    // Registrars admit nobody whose record does not say where it is: it waits until others told us.
    const isReachable = this.#deps.ownRecord().endpoints().length > 0
    for (const [key, advert] of this.#adverts) {
      if (advert.until <= now) {
        this.#adverts.delete(key)
        continue
      }
      if (!isReachable) continue
      if (advert.nextFill <= now) {
        advert.nextFill = now + FILL_MS
        this.#fill(advert, now)
      }
      for (const placement of advert.placements.values()) if (!placement.isAsked && placement.dueAt <= now) this.#begin(advert, placement)
    }
  }

  /** From the farthest bucket to the closest, new registrars where there are too few. */
  #fill (advert: Advert, now: number): void {
    const { tables, exclusions, random } = this.#deps
    const table = tables.of(advert.topic)
    for (const distance of table.distances) {
      const placed = [...advert.placements.values()].filter(placement => placement.distance === distance).length
      const candidates = table.bucket(distance).filter(({ nodeId }) => !advert.placements.has(nodeId) && !exclusions.has(nodeId, now))
      for (let missing = this.#params.registrationsInBucket - placed; missing > 0 && candidates.length > 0 && advert.placements.size < MAX_PLACEMENTS; missing--) {
        const [registrar] = candidates.splice(Math.floor(random() * candidates.length), 1) as [Enr]
        advert.placements.set(registrar.nodeId, { registrar, distance: logDistance(advert.topic, registrar.id), seq: -1n, ticket: EMPTY, startedAt: now, tries: 0, dueAt: now, isAsked: false, heldUntil: 0 })
      }
    }
  }

  #begin (advert: Advert, placement: Placement): void {
    if (this.#asked >= MAX_ASKED) return // its turn comes with a later tick
    this.#asked++
    placement.isAsked = true
    void this.#attempt(advert, placement).finally(() => {
      this.#asked--
      placement.isAsked = false
    })
  }

  async #attempt (advert: Advert, placement: Placement): Promise<void> {
    const { calls, tables, ownRecord, target, now } = this.#deps
    const { registrar } = placement
    const own = ownRecord()
    if (placement.seq !== own.seq) Object.assign(placement, { seq: own.seq, ticket: EMPTY, startedAt: now(), tries: 0 }) // a ticket is for one record
    try {
      const to = target(registrar)
      const table = tables.of(advert.topic)
      const { ticket, waitMs, auxiliary } = await calls.register(to, advert.topic, own, placement.ticket, table.wanted())
      tables.told(table, auxiliary, to.ip)
      this.#confirmed(advert, placement, ticket, waitMs)
    } catch (err) {
      if ((err as DhtError).code === 'Backpressure') return void (placement.dueAt = now() + BUSY_MS) // our own queue is full
      this.#giveUp(advert, placement)
    }
  }

  #confirmed (advert: Advert, placement: Placement, ticket: Buffer, waitMs: number): void {
    const { lifetimeMs } = this.#params
    const at = this.#deps.now()
    if (ticket.length === 0) {
      const heldMs = Math.min(waitMs, lifetimeMs)
      this.#deps.counts.topics.placed++
      this.#deps.exclusions.answered(placement.registrar.nodeId)
      // Nobody makes us ask at every tick: a lifetime of nothing is renewed in a second.
      const dueAt = at + Math.max(1000, heldMs * RENEW_AT)
      return void Object.assign(placement, { ticket: EMPTY, heldUntil: at + heldMs, dueAt, startedAt: dueAt, tries: 0 })
    }
    const tries = placement.tries + 1
    if (waitMs > lifetimeMs || tries > MAX_TRIES || at - placement.startedAt > MAX_LIFETIMES * lifetimeMs) return this.#giveUp(advert, placement)
    // The oftener it is put off the rarer we come, so that no registrar makes us ask for ever.
    Object.assign(placement, { ticket, tries, dueAt: at + waitMs * (1 + DRIFT) + EARLY_MS * tries })
  }

  /** Another of its bucket may be chosen instead. This one as well, until it is excluded. */
  #giveUp ({ placements }: Advert, { registrar }: Placement): void {
    const { exclusions, counts, now } = this.#deps
    placements.delete(registrar.nodeId)
    exclusions.failed(registrar.nodeId, now())
    counts.topics.placement_failed++
  }
}
