import type { Enr } from '../enr/record.ts'
import { nodeIdOf } from './sessions.ts'

/** A WHOAREYOU that was sent and waits for its handshake. */
export interface Challenge {
  readonly packet: Buffer
  readonly challengeData: Buffer
  /** The record we had of the node, whose sequence number was told to it. */
  readonly record: Enr | undefined
  readonly expiresAt: number
}

/** Pending challenges by node and endpoint. Bounded: the oldest goes first. */
export class Challenges {
  readonly #limit: number
  /** Bounded by `limit`, in order of being sent. */
  readonly #challenges = new Map<string, Challenge>()

  constructor (limit: number) {
    this.#limit = limit
  }

  get size (): number { return this.#challenges.size }

  get (key: string, now: number): Challenge | undefined {
    const challenge = this.#challenges.get(key)
    if (challenge === undefined || challenge.expiresAt > now) return challenge
    this.#challenges.delete(key)
    return undefined
  }

  set (key: string, challenge: Challenge): void {
    this.#challenges.delete(key)
    if (this.#challenges.size >= this.#limit) this.#challenges.delete(this.#challenges.keys().next().value as string)
    this.#challenges.set(key, challenge)
  }

  delete (key: string): void {
    this.#challenges.delete(key)
  }

  removeAll (isGone: (nodeId: string) => boolean): void {
    for (const key of this.#challenges.keys()) if (isGone(nodeIdOf(key))) this.#challenges.delete(key)
  }

  /** Forgets those whose time is over; they come first. */
  sweep (now: number): void {
    for (const [key, { expiresAt }] of this.#challenges) {
      if (expiresAt > now) return
      this.#challenges.delete(key)
    }
  }
}
