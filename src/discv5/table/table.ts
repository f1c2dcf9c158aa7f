import type { Enr } from '../enr/record.ts'
import type { Endpoint } from '../engine.ts'
import { limitedSubnet } from './addresses.ts'
import { compareDistance, logDistance } from './distance.ts'

export const BUCKET_SIZE = 16
const REPLACEMENTS = 10
const PER_SUBNET_IN_BUCKET = 2
const PER_SUBNET = 10

/** A node of the table. */
export interface Entry {
  record: Enr
  endpoint: Endpoint
  readonly distance: number
  /** Answers in a row, less for each miss; told to others only when above 0. */
  checks: number
  lastSeen: number
  /** Geth's two lists: `fast` until it answers, after a miss, and at a new address; `slow` while it answers. */
  list: 'fast' | 'slow'
  /** When it is to be asked again. */
  nextCheck: number
  /** When it may be asked for its record again. */
  nextFetch: number
  isBeingChecked: boolean
}

/** A node that has a place, or may have one. */
export type Placed = Pick<Entry, 'record' | 'endpoint'>

interface Bucket { entries: Entry[], replacements: Entry[] }
export type Added = 'added' | 'known' | 'replacement' | 'subnet' | 'self'

/** Nodes by distance from us: sixteen a distance, and ten more that wait for a place. Time and randomness are passed in. */
export class Table {
  readonly #self: Uint8Array
  readonly #random: () => number
  readonly #isWelcome: (node: Placed) => boolean
  /** Bounded: 256 buckets of 16 entries and 10 replacements. */
  readonly #buckets: Bucket[] = Array.from({ length: 257 }, () => ({ entries: [], replacements: [] }))
  readonly #byId = new Map<string, Entry>()
  /** Bounded by the entries. */
  readonly #subnets = new Map<string, number>()

  /** `isWelcome` is asked before a node that waited takes a place. */
  constructor (self: Uint8Array, random: () => number, isWelcome: (node: Placed) => boolean = () => true) {
    this.#self = self
    this.#random = random
    this.#isWelcome = isWelcome
  }

  get size (): number { return this.#byId.size }

  get (nodeId: string): Entry | undefined { return this.#byId.get(nodeId) }

  entries (): Entry[] { return this.#buckets.flatMap(({ entries }) => entries) }

  /** A record whose signature was checked. A newer one replaces the older; another endpoint must prove itself again. */
  add (record: Enr, endpoint: Endpoint): Added {
    const distance = logDistance(this.#self, record.id)
    if (distance === 0) return 'self'
    const known = this.#byId.get(record.nodeId)
    if (known !== undefined) return this.#renew(known, record, endpoint)
    const entry: Entry = { record, endpoint, distance, checks: 0, lastSeen: 0, list: 'fast', nextCheck: 0, nextFetch: 0, isBeingChecked: false }
    const bucket = this.#buckets[distance] as Bucket
    if (!this.#hasRoom(bucket, endpoint.ip)) return 'subnet'
    if (bucket.entries.length < BUCKET_SIZE) {
      this.#insert(bucket, entry)
      return 'added'
    }
    bucket.replacements = [entry, ...bucket.replacements.filter(({ record: { nodeId } }) => nodeId !== record.nodeId)].slice(0, REPLACEMENTS)
    return 'replacement'
  }

  /** It answered. */
  confirm (entry: Entry, now: number): void {
    entry.checks++
    entry.lastSeen = now
    entry.list = 'slow'
  }

  /** It did not answer. Geth's rule: a third of its credit stays, and without credit it makes place. True when it went. */
  miss (entry: Entry): boolean {
    entry.checks = Math.floor(entry.checks / 3)
    entry.list = 'fast'
    if (entry.checks > 0) return false
    this.remove(entry)
    return true
  }

  remove (entry: Entry): void {
    const bucket = this.#buckets[entry.distance] as Bucket
    if (this.#byId.get(entry.record.nodeId) !== entry) return
    this.#byId.delete(entry.record.nodeId)
    bucket.entries = bucket.entries.filter(other => other !== entry)
    this.#countSubnet(entry.endpoint.ip, -1)
    bucket.replacements = bucket.replacements.filter(this.#isWelcome)
    const candidates = bucket.replacements.filter(({ endpoint }) => this.#hasRoom(bucket, endpoint.ip))
    const chosen = candidates[Math.floor(this.#random() * candidates.length)]
    if (chosen === undefined) return
    bucket.replacements = bucket.replacements.filter(other => other !== chosen)
    this.#insert(bucket, chosen)
  }

  /** Takes the places of nodes, and those for which they wait. */
  removeAll (isGone: (node: Placed) => boolean): void {
    for (const bucket of this.#buckets) bucket.replacements = bucket.replacements.filter(waiting => !isGone(waiting))
    for (const entry of this.entries()) if (isGone(entry)) this.remove(entry)
  }

  /** Live nodes at these distances, in their order, at most `limit`. */
  at (distances: readonly number[], limit: number, accepts: (entry: Entry) => boolean): Entry[] {
    const found: Entry[] = []
    for (const distance of new Set(distances)) {
      for (const entry of this.#buckets[distance]?.entries ?? []) {
        if (found.length >= limit) return found
        if (entry.checks > 0 && accepts(entry)) found.push(entry)
      }
    }
    return found
  }

  closest (target: Uint8Array, limit: number): Entry[] {
    return this.entries().sort((a, b) => compareDistance(target, a.record.id, b.record.id)).slice(0, limit)
  }

  #renew (entry: Entry, record: Enr, endpoint: Endpoint): Added {
    if (record.seq <= entry.record.seq) return 'known'
    if (endpoint.ip !== entry.endpoint.ip) {
      const bucket = this.#buckets[entry.distance] as Bucket
      this.#countSubnet(entry.endpoint.ip, -1)
      const others = { ...bucket, entries: bucket.entries.filter(other => other !== entry) }
      if (!this.#hasRoom(others, endpoint.ip)) {
        this.#countSubnet(entry.endpoint.ip, 1)
        return 'subnet'
      }
      this.#countSubnet(endpoint.ip, 1)
    }
    if (endpoint.ip !== entry.endpoint.ip || endpoint.port !== entry.endpoint.port) {
      entry.endpoint = endpoint
      entry.checks = 0
      entry.list = 'fast'
      entry.nextCheck = 0
    }
    entry.record = record
    return 'known'
  }

  #insert (bucket: Bucket, entry: Entry): void {
    bucket.entries.push(entry)
    this.#byId.set(entry.record.nodeId, entry)
    this.#countSubnet(entry.endpoint.ip, 1)
  }

  #hasRoom (bucket: Bucket, ip: string): boolean {
    const subnet = limitedSubnet(ip)
    if (subnet === undefined) return true
    const inBucket = bucket.entries.filter(({ endpoint }) => limitedSubnet(endpoint.ip) === subnet).length
    return inBucket < PER_SUBNET_IN_BUCKET && (this.#subnets.get(subnet) ?? 0) < PER_SUBNET
  }

  #countSubnet (ip: string, by: 1 | -1): void {
    const subnet = limitedSubnet(ip)
    if (subnet === undefined) return
    const count = (this.#subnets.get(subnet) ?? 0) + by
    if (count > 0) this.#subnets.set(subnet, count)
    else this.#subnets.delete(subnet)
  }
}
