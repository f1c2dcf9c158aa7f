import { setTimeout as sleep } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import type { Component } from '../../core/component.ts'
import type { Logger } from '../../observability/logger.ts'
import { toAddressText } from '../addresses.ts'
import type { Engine } from '../engine.ts'
import type { Host } from '../host.ts'
import { peerIdFromBytes } from '../peer-id.ts'
import type { Contact, Journal } from '../provider/store/journal/journal.ts'
import type { PeerSet } from '../members/membership.ts'
import type { RoutingView } from './routing-view.ts'

interface Deps {
  readonly journal: Pick<Journal, 'saveContacts' | 'loadContacts'>
  readonly view: Pick<RoutingView, 'list'>
  readonly host: Pick<Host, 'dial'>
  readonly engine: Pick<Engine, 'offer'>
  readonly log: Logger
}

const SAVE_INTERVAL_MS = 60_000
/** How long the last save may hold up the stop. */
const SAVE_PATIENCE_MS = 2000
/** Peers dialled at the start, and at the same time. */
const CANDIDATES = 100
const DIALS = 8
const DIAL_TIMEOUT_MS = 4000

/**
 * The routing table's peers on disk, to come back through after a restart when the bootstrap peers are gone. They do not count as
 * bootstrap peers, and the table verifies them like any other.
 */
export class RememberedPeers implements Component {
  readonly #deps: Deps
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #joining: Promise<void> | undefined
  #stopped: Promise<void> | undefined

  constructor (deps: Deps) {
    this.#deps = deps
  }

  async start (): Promise<void> {
    this.#joining = this.#join()
    this.#timer = setInterval(() => { void this.save() }, SAVE_INTERVAL_MS).unref()
  }

  async stop (): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping.abort()
    await this.#joining
    await (this.#stopped ??= Promise.race([this.save(), sleep(SAVE_PATIENCE_MS, undefined, { ref: false })])) // a disk may hang
  }

  /** Remembers who is in the table, those first who have been there longest: they are the likeliest to stay. An empty table teaches nothing. */
  async save (): Promise<void> {
    const { view, journal, log } = this.#deps
    const contacts = view.list().filter(({ addrs }) => addrs.length > 0).sort((a, b) => a.addedAt - b.addedAt)
    if (contacts.length === 0) return
    await journal.saveContacts(contacts.map(({ bytes, addrs }) => ({ id: bytes, addrs })))
      .catch(err => log.debug({ err }, 'the peers of the routing table were not saved'))
  }

  /** Forgets peers that must not be come back through, also when the table has nobody to remember in their place. */
  async forget (peers: PeerSet): Promise<void> {
    const { journal, log } = this.#deps
    try {
      const contacts = await journal.loadContacts()
      const kept = contacts.filter(({ id }) => !peers.hasBytes(id))
      if (kept.length < contacts.length) await journal.saveContacts(kept)
    } catch (err) {
      log.warn({ event: 'removed_peers_remembered', err }, 'removed peers may still be remembered on disk')
    }
  }

  async #join (): Promise<void> {
    const { journal, log } = this.#deps
    const contacts = await journal.loadContacts().catch((err): Contact[] => {
      log.debug({ err }, 'no peers are remembered')
      return []
    })
    const candidates = contacts.slice(0, CANDIDATES).values()
    await Promise.all(Array.from({ length: DIALS }, async () => {
      for (const candidate of candidates) {
        if (this.#stopping.signal.aborted) return
        await this.#dial(candidate)
      }
    }))
  }

  async #dial ({ id, addrs }: Contact): Promise<void> {
    const { host, engine, log } = this.#deps
    const peer = peerIdFromBytes(id)
    if (peer === undefined) return
    try {
      const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)])
      await host.dial(addrs.map(addr => multiaddr(`${toAddressText(addr)}/p2p/${peer.toString()}`)), { signal })
      engine.offer(peer)
    } catch (err) {
      log.debug({ err, peer: peer.toString() }, 'remembered peer did not answer')
    }
  }
}
