import { DhtError } from '../../core/errors.ts'
import { toMapKey } from '../../core/map-key.ts'
import type { Metrics } from '../../observability/metrics.ts'
import { parsePeerId } from '../peer-id.ts'
import type { MeetingPlace, Membership, PeerSet } from './membership.ts'

/** `off`: nobody is judged. `observe`: who is not a member is counted, and served. `enforce`: counted, and refused. */
export type MembershipMode = 'off' | 'observe' | 'enforce'

export interface MemberSettings {
  readonly mode: MembershipMode
  /** Peer IDs of the active members. At most MAX_MEMBERS. */
  readonly peers: readonly string[]
}

interface Deps {
  /** We are a member to ourselves, whatever the list says: our own records are ours to serve. */
  readonly self: () => string
  readonly metrics: Pick<Metrics['kad'], 'outsiders' | 'reject'>
}

const MAX_MEMBERS = 100_000

/** The members of the overlay, and how much that counts. Everybody is admitted until a list is put in force. */
export class Members implements Membership {
  readonly #deps: Deps
  #mode: MembershipMode = 'off'
  /** Bounded by MAX_MEMBERS, and we; in binary below. */
  #peers: ReadonlySet<string> = new Set()
  #binary: ReadonlySet<string> = new Set()

  constructor (deps: Deps) {
    this.#deps = deps
  }

  get mode (): MembershipMode { return this.#mode }

  /**
   * Puts another list in force for every decision from now on.
   * @throws {DhtError} BadRequest for what is no peer ID, and for a list that would cut everybody off
   */
  replace ({ mode, peers }: MemberSettings): void {
    if (peers.length > MAX_MEMBERS) throw new DhtError('BadRequest', `At most ${MAX_MEMBERS} members can be listed.`)
    if (mode === 'enforce' && peers.length === 0) throw new DhtError('BadRequest', 'With no member listed, enforcement would cut everybody off.')
    const parsed = [...peers, this.#deps.self()].map(parsePeerId)
    this.#peers = new Set(parsed.map(String))
    this.#binary = new Set(parsed.map(peer => toMapKey(peer.toMultihash().bytes)))
    this.#mode = mode
  }

  admits (peerId: string, place: MeetingPlace): boolean {
    return this.#mode === 'off' || this.#peers.has(peerId) || this.#judge(place)
  }

  /** The same, for who has the binary peer ID: of the records that we hold. */
  admitsProvider (peerId: Uint8Array): boolean {
    return this.#mode === 'off' || this.#binary.has(toMapKey(peerId)) || this.#judge('record')
  }

  /** Whom enforcement shuts out now. Not counted: nobody asked for anything. */
  get outsiders (): PeerSet {
    const isEnforced = this.#mode === 'enforce'
    return {
      has: peerId => isEnforced && !this.#peers.has(peerId),
      hasBytes: peerId => isEnforced && !this.#binary.has(toMapKey(peerId)),
    }
  }

  #judge (place: MeetingPlace): boolean {
    const { metrics } = this.#deps
    const isRefused = this.#mode === 'enforce'
    metrics.outsiders.inc({ place, effect: isRefused ? 'refused' : 'observed' })
    if (isRefused && place === 'connection') metrics.reject('member') // nobody else counts it there
    return !isRefused
  }
}
