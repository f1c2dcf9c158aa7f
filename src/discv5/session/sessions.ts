import type { KeyObject } from 'node:crypto'
import { isPrivateIp } from '../../policy/ip-group.ts'
import { hostOf } from '../ip.ts'
import type { Mask } from '../wire/mask.ts'

/** The keys shared with one node at one endpoint. */
export interface Session {
  readonly readKey: KeyObject
  readonly writeKey: KeyObject
  /** Reads what the session before this one wrote: when two nodes make sessions with each other at once, each ends with the other's. */
  previousReadKey?: KeyObject | undefined
  /** The node's header mask. */
  readonly mask: Mask
  /** The public host that it is counted for. */
  host?: string | undefined
  /** Messages sent under `writeKey`; the first 32 bits of each nonce, so that none repeats. */
  sent: number
}

/** A counter may not come round: the session ends before, and the next message makes a new one. */
export const MAX_MESSAGES = 0xffff_ffff

/** Sessions by node and endpoint. Bounded: the one that was quiet longest goes first, and before it the oldest of a host that has its share. */
export class Sessions {
  readonly #limit: number
  readonly #hostLimit: () => number
  /** Bounded by `limit`, in order of last use. */
  readonly #sessions = new Map<string, Session>()
  /** Keys by public host, in order of being made. Bounded by the sessions. */
  readonly #ofHost = new Map<string, Set<string>>()
  #newest = ''

  /** `hostLimit` is of one public IP, or /64: a node has as many sessions as its host has ports, and would push out all others. */
  constructor (limit: number, hostLimit: () => number = () => Infinity) {
    this.#limit = limit
    this.#hostLimit = hostLimit
  }

  get size (): number { return this.#sessions.size }

  get (key: string): Session | undefined {
    const session = this.#sessions.get(key)
    if (session === undefined) return undefined
    if (session.sent >= MAX_MESSAGES) {
      this.delete(key)
      return undefined
    }
    if (key === this.#newest) return session
    this.#sessions.delete(key)
    this.#sessions.set(key, session)
    this.#newest = key
    return session
  }

  set (key: string, session: Session): void {
    const before = this.#sessions.get(key)
    session.previousReadKey = before?.readKey
    session.host = before === undefined ? publicHostOf(key) : before.host
    const { host } = session
    this.delete(key)
    const ofHost = host === undefined ? undefined : this.#ofHost.get(host)
    if (ofHost !== undefined && ofHost.size >= this.#hostLimit()) this.delete(ofHost.values().next().value as string)
    else if (this.#sessions.size >= this.#limit) this.delete(this.#sessions.keys().next().value as string)
    this.#sessions.set(key, session)
    if (host !== undefined) this.#ofHost.set(host, (this.#ofHost.get(host) ?? new Set()).add(key))
    this.#newest = key
  }

  delete (key: string): void {
    const host = this.#sessions.get(key)?.host
    this.#sessions.delete(key)
    if (host === undefined) return
    const ofHost = this.#ofHost.get(host)
    ofHost?.delete(key)
    if (ofHost?.size === 0) this.#ofHost.delete(host)
  }

  /** Ends the sessions of nodes, at whatever endpoint. */
  removeAll (isGone: (nodeId: string) => boolean): void {
    for (const key of this.#sessions.keys()) if (isGone(nodeIdOf(key))) this.delete(key)
  }
}

/** Spec: sessions and challenges belong to a node ID at an IP and port. */
export function sessionKey (id: Buffer, ip: string, port: number): string {
  return `${id.toString('latin1', 0, 32)}${ip}|${port}`
}

/** The node ID that begins a session key. */
export function nodeIdOf (key: string): string {
  return Buffer.from(key.slice(0, 32), 'latin1').toString('hex')
}

/** Undefined for private addresses, behind which a test network may be. */
function publicHostOf (key: string): string | undefined {
  const ip = key.slice(32, key.lastIndexOf('|'))
  return isPrivateIp(ip) ? undefined : hostOf(ip)
}
