import type { Enr } from '../enr/record.ts'
import { AdCache, type Ad } from './ad-cache.ts'
import { IpSimilarity } from './ip-similarity.ts'
import type { TopicParameters } from './parameters.ts'
import { ServiceBounds } from './service-bounds.ts'
import { adDigest, windowOf, type Ticket, type Tickets } from './ticket.ts'
import { bounded, boundNow, waitingTime, type Bound } from './waiting-time.ts'

/** A registration as it is asked for. The record is of the node that asks, and `ip` is where it asks from, which its record says too. */
export interface Attempt {
  readonly topic: Uint8Array
  readonly record: Enr
  readonly ip: string
  /** Empty at the first attempt. */
  readonly ticket: Uint8Array
}

/** Why a ticket counts for nothing. */
export type TicketFault = 'early' | 'late' | 'invalid'

export type Registration =
  /** `again`: the ticket had been taken before, and its answer got lost. */
  | { readonly outcome: 'admitted' | 'renewed' | 'again', readonly lifetimeMs: number }
  | { readonly outcome: 'waiting', readonly ticket: Buffer, readonly waitMs: number, readonly fault: TicketFault | undefined }

interface Deps {
  readonly tickets: Tickets
  readonly random: () => number
}

/** discv5 theory, § Registrar Behaviour: the ad cache and who gets into it. Holds nothing of those that wait; time and randomness are passed in. */
export class Registrar {
  readonly #params: TopicParameters
  readonly #deps: Deps
  readonly #ads: AdCache
  readonly #similarity: IpSimilarity
  readonly #services: ServiceBounds
  #safety: Bound | undefined

  constructor (params: TopicParameters, deps: Deps) {
    this.#params = params
    this.#deps = deps
    this.#ads = new AdCache(params)
    this.#similarity = new IpSimilarity(params.lifetimeMs)
    this.#services = new ServiceBounds(params, service => this.#ads.count(service) > 0)
  }

  get ads (): number { return this.#ads.size }

  register ({ topic, record, ip, ticket }: Attempt, now: number): Registration {
    this.sweep(now)
    const { windowMs, lifetimeMs } = this.#params
    const service = hex(topic)
    const owner = { advertiserId: record.id, adDigest: adDigest(topic, record.bytes) }
    const opened = ticket.length === 0 ? undefined : this.#deps.tickets.open(ticket, owner)
    const window = opened === undefined ? undefined : windowOf(opened, windowMs, now)
    const held = this.#ads.get(service, record.nodeId)
    const shown = window === 'open' ? opened : undefined
    if (held !== undefined && shown !== undefined && isSpent(shown, held, record)) return { outcome: 'again', lifetimeMs: held.expiresAt - now }
    const startedAt = shown?.startedAt ?? now
    const remainingMs = this.#wait(service, ip, held, now) - (now - startedAt)
    if (remainingMs <= 0) return this.#admit({ service, record, ip }, held, now)
    const waitMs = Math.ceil(Math.min(remainingMs, lifetimeMs))
    const fault = ticket.length === 0 || window === 'open' ? undefined : window ?? 'invalid'
    return { outcome: 'waiting', ticket: this.#deps.tickets.seal({ startedAt, issuedAt: now, waitMs }, owner), waitMs, fault }
  }

  /** Advertisements of a service: a random choice when there are more than an answer has. */
  find (topic: Uint8Array, now: number): Ad[] {
    this.sweep(now)
    return this.#ads.sample(hex(topic), this.#params.adsInAnswer, this.#deps.random)
  }

  /** Takes out what is over. It costs next to nothing while nothing is. */
  sweep (now: number): void {
    this.#forget(this.#ads.expire(now), now)
    this.#similarity.prune(now)
    this.#services.prune(now)
  }

  /** Takes out the advertisements of nodes that are gone. */
  removeAll (isGone: (ad: Ad) => boolean, now: number): void {
    this.#forget(this.#ads.removeAll(isGone), now)
  }

  /** How long this advertisement is to wait in all. One that is held does not count against its own renewal. */
  #wait (service: string, ip: string, held: Ad | undefined, now: number): number {
    const own = held === undefined ? 0 : 1
    const wait = waitingTime({ held: this.#ads.size - own, ofService: this.#ads.count(service) - own, ipScore: this.#similarity.score(ip, held?.ip) }, this.#params)
    const safety = bounded(wait.safetyMs, boundNow(this.#safety, now), now, this.#params.lifetimeMs)
    this.#safety = safety.next
    return this.#services.bounded(service, wait.serviceMs, now) + this.#similarity.bounded(ip, wait.ipMs, now) + safety.waitMs
  }

  #admit ({ service, record, ip }: Pick<Ad, 'service' | 'record' | 'ip'>, held: Ad | undefined, now: number): Registration {
    const ad = this.#ads.admit(service, record, ip, now)
    if (ad === undefined) throw new Error('an advertisement was to be admitted to a full cache') // its wait was infinite
    if (held !== undefined) this.#similarity.remove(held.ip, now)
    this.#similarity.add(ip, now)
    return { outcome: held === undefined ? 'admitted' : 'renewed', lifetimeMs: ad.expiresAt - now }
  }

  #forget (ads: readonly Ad[], now: number): void {
    for (const { service, ip } of ads) {
      this.#similarity.remove(ip, now)
      if (this.#ads.count(service) === 0) this.#services.left(service, now)
    }
  }
}

/** A ticket admits once. It was first issued before what it brought about; a renewal begins after. */
function isSpent (ticket: Ticket, held: Ad, record: Enr): boolean {
  return ticket.startedAt <= held.admittedAt && held.record.bytes.equals(record.bytes)
}

function hex (topic: Uint8Array): string {
  return Buffer.from(topic).toString('hex')
}
