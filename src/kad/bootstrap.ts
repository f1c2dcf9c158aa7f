import { multiaddr } from '@multiformats/multiaddr'
import type { Clock, Component } from '../core/component.ts'
import { jsonDigest } from '../core/digest.ts'
import { DhtError } from '../core/errors.ts'
import type { ReadinessCheck } from '../core/readiness.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import { isInScope, type AddressScope } from './addresses.ts'
import type { Engine } from './engine.ts'
import type { Host } from './host.ts'
import type { RpcClient } from './rpc/client.ts'

interface Options {
  readonly scope: AddressScope
  /** Multiaddrs that end in /p2p/<peer ID>. Bounded by the setting's 64. */
  readonly peers: readonly string[]
  readonly probeIntervalMs: number
  /** How long an answer counts. Milliseconds. */
  readonly lapseMs: number
  /** Whether peers may be found in another way. */
  readonly isDiscovering?: boolean
}

interface Deps {
  readonly host: Pick<Host, 'dial' | 'peerId'>
  readonly engine: Pick<Engine, 'offer'>
  readonly client: Pick<RpcClient, 'ping'>
  readonly metrics: Metrics['kad']
  readonly log: Logger
  readonly now: Clock
}

/** A dial and a ping: half of libp2p's own dial time-out, so that a dead address does not hold up the next round for long. */
const PROBE_TIMEOUT_MS = 4000

/** Discovered peers that are asked whether they live, in place of a bootstrap set. */
const DISCOVERED = 16

/** The peers through which we joined: asked again and again whether they live, since readiness hangs on one of them answering. */
export class Bootstrap implements Component, ReadinessCheck {
  readonly name = 'bootstrap'
  readonly #deps: Deps
  readonly #opts: Options
  #peers: readonly string[]
  /** Addresses of peers that discovery led to, by peer ID. Bounded by DISCOVERED; unused while a set is configured. */
  readonly #discovered = new Map<string, readonly string[]>()
  /** When each peer answered last: configured ones by address, discovered ones by peer ID. Bounded by both. */
  readonly #answeredAt = new Map<string, number>()
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  /** The rounds under way. A new set begins a round of its own, so there may be several. */
  #rounds: Promise<unknown> = Promise.resolve()
  #roundCount = 0

  constructor (opts: Options, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
    this.#peers = opts.peers
  }

  async start (): Promise<void> {
    this.#use(this.#opts.peers)
    this.#timer = setInterval(() => { if (this.#roundCount === 0) this.#startRound() }, this.#opts.probeIntervalMs).unref()
  }

  async stop (): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping.abort()
    await this.#rounds
  }

  /**
   * Puts another bootstrap set in force and probes it at once.
   * @throws {DhtError} BadRequest for an empty set, which would cut us off, and for an address that is never dialled
   */
  replace (peers: readonly string[]): void {
    if (peers.length === 0) throw new DhtError('BadRequest', 'A bootstrap set has at least one peer: without any this daemon could not come back.')
    this.#use(peers)
  }

  /**
   * A peer that was found in another way has joined us, and answered. Without a bootstrap set such peers stand in for one: we are in the
   * network while one of them answers. With a set they count for nothing, since anybody can have himself discovered.
   */
  joined (peerId: string, addresses: readonly string[]): void {
    if (this.#stopping.signal.aborted) return
    if (!this.#discovered.has(peerId) && this.#discovered.size >= DISCOVERED) {
      const silent = [...this.#discovered.keys()].find(known => !this.#isAlive(known))
      if (silent === undefined) return // those there are do
      this.#discovered.delete(silent)
      this.#answeredAt.delete(silent)
    }
    this.#discovered.set(peerId, addresses)
    this.#answeredAt.set(peerId, this.#deps.now())
    this.#deps.metrics.bootstrapAlive.set(this.alive)
  }

  #use (peers: readonly string[]): void {
    const undialled = peers.find(peer => !isInScope(peer, this.#opts.scope))
    if (undialled !== undefined) {
      throw new DhtError('BadRequest', `The bootstrap address ${undialled} is private, and kad.addresses = "public" does not dial such.`, { hint: 'Set kad.addresses = "any" for an overlay on a private network.' })
    }
    const self = this.#deps.host.peerId.toString()
    this.#peers = peers.filter(peer => !peer.endsWith(`/p2p/${self}`))
    for (const peer of this.#answeredAt.keys()) if (!this.#peers.includes(peer) && !this.#discovered.has(peer)) this.#answeredAt.delete(peer)
    this.#deps.metrics.bootstrapSet.reset()
    this.#deps.metrics.bootstrapSet.set({ hash: jsonDigest([...this.#peers].sort()) }, 1)
    this.#startRound()
  }

  /** How many bootstrap peers answered lately. */
  get alive (): number { return this.#joinedThrough().filter(peer => this.#isAlive(peer)).length }

  reason (): string | undefined {
    if (this.alive > 0) return undefined
    const asked = this.#joinedThrough().length
    if (asked === 0) return this.#opts.isDiscovering === true ? 'discv5 has found no peer of this overlay yet, and kad.bootstrap is not set' : 'no bootstrap peer is configured: set kad.bootstrap'
    return `none of ${asked} ${this.#peers.length > 0 ? 'bootstrap peers' : 'peers that discv5 found'} answered in the last ${Math.round(this.#opts.lapseMs / 1000)} s`
  }

  #joinedThrough (): readonly string[] {
    return this.#peers.length > 0 ? this.#peers : [...this.#discovered.keys()]
  }

  #isAlive (peer: string): boolean {
    return (this.#answeredAt.get(peer) ?? -Infinity) >= this.#deps.now() - this.#opts.lapseMs
  }

  #startRound (): void {
    if (this.#stopping.signal.aborted) return
    this.#roundCount++
    const round = Promise.all(this.#joinedThrough().map(async peer => await this.#probe(peer))).then(() => {
      this.#deps.metrics.bootstrapAlive.set(this.alive)
      this.#roundCount--
    })
    const before = this.#rounds
    this.#rounds = round.then(async () => { await before })
  }

  async #probe (peer: string): Promise<void> {
    const { host, engine, client, log, now } = this.#deps
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)])
    try {
      const { remotePeer } = await host.dial((this.#discovered.get(peer) ?? [peer]).map(address => multiaddr(address)), { signal }) // the connection that is open, if there is one
      await client.ping(remotePeer, signal)
      if (this.#joinedThrough().includes(peer)) this.#answeredAt.set(peer, now())
      engine.offer(remotePeer)
    } catch (err) {
      log.debug({ err, peer }, 'bootstrap peer did not answer')
    }
  }
}
