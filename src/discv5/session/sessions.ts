import type { KeyObject } from 'node:crypto'
import type { Mask } from '../wire/mask.ts'

/** The keys shared with one node at one endpoint. */
export interface Session {
  readonly readKey: KeyObject
  readonly writeKey: KeyObject
  /** Reads what the session before this one wrote: when two nodes make sessions with each other at once, each ends with the other's. */
  previousReadKey?: KeyObject | undefined
  /** The node's header mask. */
  readonly mask: Mask
  /** Messages sent under `writeKey`; the first 32 bits of each nonce, so that none repeats. */
  sent: number
}

/** A counter may not come round: the session ends before, and the next message makes a new one. */
export const MAX_MESSAGES = 0xffff_ffff

/** Sessions by node and endpoint. Bounded: the one that was quiet longest goes first. */
export class Sessions {
  readonly #limit: number
  /** Bounded by `limit`, in order of last use. */
  readonly #sessions = new Map<string, Session>()
  #newest = ''

  constructor (limit: number) {
    this.#limit = limit
  }

  get size (): number { return this.#sessions.size }

  get (key: string): Session | undefined {
    const session = this.#sessions.get(key)
    if (session === undefined) return undefined
    if (session.sent >= MAX_MESSAGES) {
      this.#sessions.delete(key)
      return undefined
    }
    if (key === this.#newest) return session
    this.#sessions.delete(key)
    this.#sessions.set(key, session)
    this.#newest = key
    return session
  }

  set (key: string, session: Session): void {
    session.previousReadKey = this.#sessions.get(key)?.readKey
    this.#sessions.delete(key)
    if (this.#sessions.size >= this.#limit) this.#sessions.delete(this.#sessions.keys().next().value as string)
    this.#sessions.set(key, session)
    this.#newest = key
  }

  delete (key: string): void {
    this.#sessions.delete(key)
  }

  /** Ends the sessions of nodes, at whatever endpoint. */
  removeAll (isGone: (nodeId: string) => boolean): void {
    for (const key of this.#sessions.keys()) if (isGone(nodeIdOf(key))) this.#sessions.delete(key)
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
