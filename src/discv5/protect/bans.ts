import { isIP } from 'node:net'
import { DhtError } from '../../core/errors.ts'
import type { Ban } from '../engine.ts'
import { normalIp, subnetOf } from '../ip.ts'

const LIMIT = 10_000
const MAX_BAN_MS = 365 * 24 * 3_600_000

/** Who is shut out until when. Bounded: the oldest ban goes first. */
export class BanList {
  /** Bounded by LIMIT. */
  readonly #bans = new Map<string, Ban>()

  get size (): number { return this.#bans.size }

  /** @throws {DhtError} BadRequest */
  add (subject: string, durationMs: number, reason: string, now: number): void {
    const ban = { ...parseSubject(subject), reason, until: now + Math.min(Math.max(0, durationMs), MAX_BAN_MS) }
    this.#bans.delete(ban.subject)
    if (this.#bans.size >= LIMIT) this.#bans.delete(this.#bans.keys().next().value as string)
    this.#bans.set(ban.subject, ban)
  }

  remove (subject: string): boolean {
    return this.#bans.delete(parseSubject(subject).subject)
  }

  list (now: number): Ban[] {
    for (const [subject, { until }] of this.#bans) if (until <= now) this.#bans.delete(subject)
    return [...this.#bans.values()]
  }

  hasIp (ip: string, now: number): boolean {
    return this.#isInForce(ip, now) || this.#isInForce(subnetOf(ip), now)
  }

  hasNode (nodeId: string, now: number): boolean {
    return this.#isInForce(nodeId, now)
  }

  #isInForce (subject: string, now: number): boolean {
    const ban = this.#bans.get(subject)
    if (ban === undefined || ban.until > now) return ban !== undefined
    this.#bans.delete(subject)
    return false
  }
}

function parseSubject (text: string): Pick<Ban, 'subject' | 'kind'> {
  if (/^[0-9a-f]{64}$/i.test(text)) return { subject: text.toLowerCase(), kind: 'node' }
  if (isIP(text) > 0) return { subject: normalIp(text), kind: 'ip' }
  const [ip = '', bits] = text.split('/')
  if (isIP(ip) > 0 && bits === (isIP(ip) === 4 ? '24' : '64')) return { subject: subnetOf(normalIp(ip)), kind: 'prefix' }
  throw new DhtError('BadRequest', `${text.slice(0, 80)} is not an IP, a /24 or /64 prefix, or a node ID`)
}
