import { isPrivateIp, quotaPrefix } from '../policy/ip-group.ts'
import type { Endpoint } from './engine.ts'
import { isUsable } from './table/addresses.ts'

interface Options {
  /** Voters needed. */
  readonly quorum: number
  readonly windowMs: number
}

/** The winner must have this many times the votes of the next. */
const LEAD = 1.3
const VOTERS = 500

/**
 * Where others see us, by family. One vote a /24 or /48, which is what one customer of IPv6 has, so that one host cannot move our record; old votes
 * lapse.
 */
export class AddressVotes {
  readonly #opts: Options
  /** Bounded by VOTERS; the oldest vote goes first. */
  readonly #votes = new Map<string, { readonly address: string, readonly family: 4 | 6, readonly at: number }>()

  constructor (opts: Options) {
    this.#opts = opts
  }

  /** A statement of the node at `voterIp`. */
  vote (voterIp: string, seen: Endpoint, now: number): void {
    // A neighbour sees our LAN address: that says nothing to the public, and the other way round. Nobody sees us in another family than its own.
    if (!isUsable(seen) || isPrivateIp(voterIp) !== isPrivateIp(seen.ip) || voterIp.includes(':') !== seen.ip.includes(':')) return
    const family = seen.ip.includes(':') ? 6 : 4
    const voter = isPrivateIp(voterIp) ? voterIp : quotaPrefix(voterIp) ?? voterIp
    this.#votes.delete(voter)
    if (this.#votes.size >= VOTERS) this.#votes.delete(this.#votes.keys().next().value as string)
    this.#votes.set(voter, { address: `${seen.ip}|${seen.port}`, family, at: now })
  }

  /** The endpoint that enough voters agree on and that leads clearly. */
  winner (family: 4 | 6, now: number): Endpoint | undefined {
    const tally = new Map<string, number>()
    for (const [voter, vote] of this.#votes) {
      if (now - vote.at > this.#opts.windowMs) this.#votes.delete(voter)
      else if (vote.family === family) tally.set(vote.address, (tally.get(vote.address) ?? 0) + 1)
    }
    const [first, second] = [...tally].sort((a, b) => b[1] - a[1])
    if (first === undefined || first[1] < this.#opts.quorum || first[1] < LEAD * (second?.[1] ?? 0)) return undefined
    const [ip = '', port] = first[0].split('|')
    return { ip, port: Number(port) }
  }
}
