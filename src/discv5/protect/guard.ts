import { isLoopbackIp, isPrivateIp } from '../../policy/ip-group.ts'
import { RateLimit } from '../../policy/rate-limit.ts'
import type { Counts, DropName } from '../counts.ts'
import { hostOf, subnetOf } from '../ip.ts'
import type { BanList } from './bans.ts'

export interface GuardLimits {
  /** Packets a second, with four seconds' worth in reserve. Loopback is exempt from all but `total`. */
  readonly packetsPerSecond: number
  readonly packetsPerIpPerSecond: number
  readonly packetsPerSubnetPerSecond: number
  readonly packetsPerNodePerSecond: number
  readonly nodeIdsPerIp: number
  readonly whoareyouPerIpPerSecond: number
  readonly handshakesPerSecond: number
  /** Messages of nodes over their limit after which their IP is banned for `banMs`. */
  readonly banAfter: number
  readonly banMs: number
}

const PARTIES = 16_384
const IDS_IPS = 8_192
const STRIKE_WINDOW_MS = 60_000
/** Tokens of a request about a topic: it costs a signature or a walk over the table, and its answer up to five packets. */
const TOPIC_TOKENS = 5
/** Ports at which the nodes of a host are met: those behind a gateway get a new one now and then. */
const PORTS_PER_ID = 4
/** More strangers than that need not be asked who they are: there would be no time for their handshakes. */
const CHALLENGES_PER_HANDSHAKE = 4
/** Share of a budget that strangers leave to nodes we know. */
const KNOWN_RESERVE = 0.25

/** Decides, before any cryptography, whether a packet is worth work. All tables are bounded; time is passed in. */
export class Guard {
  #limits: GuardLimits
  readonly #bans: BanList
  readonly #counts: Counts
  #total: RateLimit
  #ips: RateLimit
  #answers: RateLimit
  #subnets: RateLimit
  #nodes: RateLimit
  #whoareyou: RateLimit
  #challenges: RateLimit
  #handshakes: RateLimit
  /** Bounded by IDS_IPS and nodeIdsPerIp. */
  readonly #ids = new Map<string, Set<string>>()
  /** Bounded by PARTIES. */
  readonly #strikes = new Map<string, { count: number, since: number }>()

  constructor (limits: GuardLimits, bans: BanList, counts: Counts) {
    this.#limits = limits
    this.#bans = bans
    this.#counts = counts
    this.#total = new RateLimit({ perSecond: limits.packetsPerSecond, parties: 1 })
    this.#ips = new RateLimit({ perSecond: limits.packetsPerIpPerSecond, parties: PARTIES })
    this.#subnets = new RateLimit({ perSecond: limits.packetsPerSubnetPerSecond, parties: PARTIES })
    this.#answers = new RateLimit({ perSecond: limits.packetsPerSubnetPerSecond, parties: PARTIES })
    this.#nodes = new RateLimit({ perSecond: limits.packetsPerNodePerSecond, parties: PARTIES })
    this.#whoareyou = new RateLimit({ perSecond: limits.whoareyouPerIpPerSecond, parties: PARTIES })
    this.#challenges = new RateLimit({ perSecond: limits.handshakesPerSecond * CHALLENGES_PER_HANDSHAKE, parties: 1 })
    this.#handshakes = new RateLimit({ perSecond: limits.handshakesPerSecond, parties: 1 })
  }

  /** Other limits from now on. A rate that changes begins with a full reserve for everybody; bans that were made stay. */
  apply (limits: GuardLimits): void {
    const before = this.#limits
    this.#limits = limits
    const isOther = (name: keyof GuardLimits): boolean => limits[name] !== before[name]
    if (isOther('packetsPerSecond')) this.#total = new RateLimit({ perSecond: limits.packetsPerSecond, parties: 1 })
    if (isOther('packetsPerIpPerSecond')) this.#ips = new RateLimit({ perSecond: limits.packetsPerIpPerSecond, parties: PARTIES })
    if (isOther('packetsPerSubnetPerSecond')) {
      this.#subnets = new RateLimit({ perSecond: limits.packetsPerSubnetPerSecond, parties: PARTIES })
      this.#answers = new RateLimit({ perSecond: limits.packetsPerSubnetPerSecond, parties: PARTIES })
    }
    if (isOther('packetsPerNodePerSecond')) this.#nodes = new RateLimit({ perSecond: limits.packetsPerNodePerSecond, parties: PARTIES })
    if (isOther('whoareyouPerIpPerSecond')) this.#whoareyou = new RateLimit({ perSecond: limits.whoareyouPerIpPerSecond, parties: PARTIES })
    if (isOther('handshakesPerSecond')) {
      this.#challenges = new RateLimit({ perSecond: limits.handshakesPerSecond * CHALLENGES_PER_HANDSHAKE, parties: 1 })
      this.#handshakes = new RateLimit({ perSecond: limits.handshakesPerSecond, parties: 1 })
    }
  }

  /**
   * For each packet. The layer nearest to the source is asked first, so that one source does not use up what all share. `awaitedFrom` is the
   * endpoint, when a request of ours waits for its answer there: answers count apart, so that nobody silences a node by forging its address.
   */
  admit (ip: string, now: number, awaitedFrom?: string): boolean {
    if (this.#bans.size > 0 && this.#bans.hasIp(ip, now)) return this.#drop('banned')
    if (!isExempt(ip)) {
      if (awaitedFrom !== undefined) {
        if (this.#answers.take(awaitedFrom, now) > 0) return this.#drop('limit_ip')
      } else {
        if (this.#ips.take(ip, now) > 0) return this.#drop('limit_ip')
        if (this.#subnets.take(subnetOf(ip), now) > 0) return this.#drop('limit_subnet')
      }
    }
    return this.#total.take('', now) === 0 || this.#drop('limit_total')
  }

  /** For each message of a node that proved who it is. */
  admitNode (nodeId: string, ip: string, now: number): boolean {
    if (this.#bans.size > 0 && this.#bans.hasNode(nodeId, now)) return this.#drop('banned')
    return isExempt(ip) || this.#nodes.take(nodeId, now) === 0 || this.#strike(ip, now)
  }

  /** For each request about a topic: what it costs more than the packet and the message that it came in. */
  admitTopic (nodeId: string, ip: string, now: number): boolean {
    if (isExempt(ip)) return true
    for (let token = 1; token < TOPIC_TOKENS; token++) {
      if (this.#nodes.take(nodeId, now) > 0 || this.#ips.take(ip, now) > 0 || this.#subnets.take(subnetOf(ip), now) > 0) return this.#drop('limit_topic')
    }
    return true
  }

  /**
   * WHOAREYOU answers a packet whose source may be forged: no host gets many of them, and all together no more than leave time for other work,
   * for a flood may come from as many sources as there are addresses.
   */
  mayChallenge (ip: string, isKnown: boolean, now: number): boolean {
    if (isExempt(ip)) return true
    if (this.#whoareyou.take(ip, now) > 0) return this.#drop('limit_whoareyou')
    return takeShared(this.#challenges, this.#limits.handshakesPerSecond * CHALLENGES_PER_HANDSHAKE, isKnown, now) || this.#drop('limit_whoareyou')
  }

  /** A handshake costs two curve operations or three. Nodes we know come in while strangers are kept out. */
  mayShakeHands (isKnown: boolean, now: number): boolean {
    return takeShared(this.#handshakes, this.#limits.handshakesPerSecond, isKnown, now) || this.#drop('limit_handshake')
  }

  /** For each new session. Private addresses are exempt: a test network is one host. */
  mayJoin (nodeId: string, ip: string): boolean {
    if (isPrivateIp(ip)) return true
    const host = hostOf(ip)
    const ids = this.#ids.get(host) ?? new Set()
    if (ids.has(nodeId)) return true
    if (ids.size >= this.#limits.nodeIdsPerIp) return this.#drop('limit_ids')
    if (!this.#ids.has(host) && this.#ids.size >= IDS_IPS) this.#ids.delete(this.#ids.keys().next().value as string)
    this.#ids.set(host, ids.add(nodeId))
    return true
  }

  /** Of a public IP, or /64. */
  get sessionsPerHost (): number { return this.#limits.nodeIdsPerIp * PORTS_PER_ID }

  /** Forgets which node IDs an IP had; called every hour or so, for addresses change hands. */
  forgetIds (): void {
    this.#ids.clear()
  }

  /** Counts only what was proved: anybody can forge packets in the name of another, who would be shut out for them. */
  #strike (ip: string, now: number): false {
    const known = this.#strikes.get(ip)
    const strike = known !== undefined && now - known.since < STRIKE_WINDOW_MS ? known : { count: 0, since: now }
    strike.count++
    if (known === undefined && this.#strikes.size >= PARTIES) this.#strikes.delete(this.#strikes.keys().next().value as string)
    this.#strikes.set(ip, strike)
    if (strike.count >= this.#limits.banAfter) {
      this.#strikes.delete(ip)
      // A private address is a neighbour or a gateway: it is slowed down, never shut out.
      if (!isPrivateIp(ip)) {
        if (this.#bans.addAutomatic(ip, this.#limits.banMs, 'over its message limit', now)) this.#counts.events.auto_ban_cut_short++
        this.#counts.events.auto_ban++
      }
    }
    return this.#drop('limit_node')
  }

  #drop (reason: DropName): false {
    this.#counts.drops[reason]++
    return false
  }
}

/** Takes a token of what all share. */
function takeShared (limit: RateLimit, perSecond: number, isKnown: boolean, now: number): boolean {
  return limit.available('', now) >= (isKnown ? 0 : perSecond * KNOWN_RESERVE) && limit.take('', now) === 0
}

function isExempt (ip: string): boolean {
  return ip.startsWith('127.') || (ip.includes(':') && isLoopbackIp(ip))
}
