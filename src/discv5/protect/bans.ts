import { isIP } from 'node:net'
import { DhtError } from '../../core/errors.ts'
import type { Ban } from '../engine.ts'
import { normalIp, subnetOf } from '../ip.ts'

/** Of each list. */
export const MAX_BANS = 10_000
const MAX_BAN_MS = 365 * 24 * 3_600_000
const MAX_REASON_LENGTH = 200

/**
 * Who is shut out until when, by an operator and by the protections. Both lists are bounded: a full one takes no more bans of operators, whose end
 * must be in the audit log, and of the protections the oldest goes first. A flood from many sources pushes out no ban of an operator.
 */
export class BanList {
  /** Bounded by MAX_BANS, as is the next. */
  readonly #operators = new Map<string, Ban>()
  readonly #automatic = new Map<string, Ban>()

  get size (): number { return this.#operators.size + this.#automatic.size }

  /** By an operator. @throws {DhtError} BadRequest, Backpressure */
  add (subject: string, durationMs: number, reason: string, now: number): void {
    this.assertRoom(subject, now)
    put(this.#operators, subject, durationMs, reason, now)
  }

  /** By the protections. True when the list was full, and another ban ended before its time. @throws {DhtError} BadRequest */
  addAutomatic (subject: string, durationMs: number, reason: string, now: number): boolean {
    const isFull = isFullFor(this.#automatic, subject, now)
    if (isFull) this.#automatic.delete(this.#automatic.keys().next().value as string)
    put(this.#automatic, subject, durationMs, reason, now)
    return isFull
  }

  /** Whether an operator can ban it. @throws {DhtError} BadRequest, Backpressure */
  assertRoom (subject: string, now: number): void {
    if (isFullFor(this.#operators, subject, now)) throw new DhtError('Backpressure', `There are ${MAX_BANS} bans of operators already.`, { hint: 'Lift some that are no longer needed, or ban a prefix instead of its addresses.' })
  }

  remove (subject: string): boolean {
    const { subject: key } = parseSubject(subject)
    const areRemoved = [this.#operators, this.#automatic].map(bans => bans.delete(key))
    return areRemoved.includes(true)
  }

  list (now: number): Ban[] {
    return [...this.lasting(now), ...inForce(this.#automatic, now)]
  }

  /** What an operator banned: kept for the next start. */
  lasting (now: number): Ban[] {
    return inForce(this.#operators, now)
  }

  /** A ban of an operator as it was kept. False for one that is over, or that could not have been made: it is not taken. */
  restore ({ subject, reason, until }: Pick<Ban, 'subject' | 'reason' | 'until'>, now: number): boolean {
    if (!(until > now && until <= now + MAX_BAN_MS) || reason.length > MAX_REASON_LENGTH) return false
    try {
      this.add(subject, until - now, reason, now)
      return true
    } catch {
      return false // it names nobody
    }
  }

  hasIp (ip: string, now: number): boolean {
    return this.#has(ip, now) || this.#has(subnetOf(ip), now)
  }

  hasNode (nodeId: string, now: number): boolean {
    return this.#has(nodeId, now)
  }

  #has (subject: string, now: number): boolean {
    return isInForce(this.#operators, subject, now) || isInForce(this.#automatic, subject, now)
  }
}

function put (bans: Map<string, Ban>, text: string, durationMs: number, reason: string, now: number): void {
  const ban = { ...parseSubject(text), reason, until: now + Math.min(Math.max(0, durationMs), MAX_BAN_MS) }
  bans.delete(ban.subject) // the newest comes last
  bans.set(ban.subject, ban)
}

function isFullFor (bans: Map<string, Ban>, text: string, now: number): boolean {
  const { subject } = parseSubject(text)
  return bans.size >= MAX_BANS && !bans.has(subject) && inForce(bans, now).length >= MAX_BANS
}

function inForce (bans: Map<string, Ban>, now: number): Ban[] {
  for (const [subject, { until }] of bans) if (until <= now) bans.delete(subject)
  return [...bans.values()]
}

function isInForce (bans: Map<string, Ban>, subject: string, now: number): boolean {
  const ban = bans.get(subject)
  if (ban === undefined || ban.until > now) return ban !== undefined
  bans.delete(subject)
  return false
}

function parseSubject (text: string): Pick<Ban, 'subject' | 'kind'> {
  if (/^[0-9a-f]{64}$/i.test(text)) return { subject: text.toLowerCase(), kind: 'node' }
  if (isIP(text) > 0) return { subject: normalIp(text), kind: 'ip' }
  const [ip = '', bits, ...rest] = text.split('/')
  if (isIP(ip) > 0 && rest.length === 0 && bits === (isIP(ip) === 4 ? '24' : '64')) return { subject: subnetOf(normalIp(ip)), kind: 'prefix' }
  throw new DhtError('BadRequest', `${text.slice(0, 80)} is not an IP, a /24 or /64 prefix, or a node ID`)
}
