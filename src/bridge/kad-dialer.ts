import { multiaddr } from '@multiformats/multiaddr'
import type { Bootstrap } from '../kad/bootstrap.ts'
import type { Engine } from '../kad/engine.ts'
import type { Host } from '../kad/host.ts'
import type { RpcClient } from '../kad/rpc/client.ts'
import type { Logger } from '../observability/logger.ts'
import type { Dialer, DialOutcome } from './bridge.ts'
import type { Candidate } from './candidate.ts'

interface Deps {
  readonly host: Pick<Host, 'dial' | 'hangUp'>
  readonly engine: Pick<Engine, 'offer'>
  readonly client: Pick<RpcClient, 'ping'>
  readonly bootstrap: Pick<Bootstrap, 'joined'>
  readonly log: Logger
}

/** Dials a candidate at all its addresses, and offers it to the Kademlia table once it has answered a PING of the overlay. */
export class KadDialer implements Dialer {
  readonly #deps: Deps

  constructor (deps: Deps) { this.#deps = deps }

  async dial ({ peerId, addresses }: Candidate, signal: AbortSignal): Promise<DialOutcome> {
    const { host, engine, client, bootstrap, log } = this.#deps
    const dialled = addresses.map(address => `${address}/p2p/${peerId}`)
    let connection
    try {
      connection = await host.dial(dialled.map(address => multiaddr(address)), { signal })
    } catch (err) {
      log.debug({ err, peerId }, 'a discovered node was not reached over libp2p')
      return 'failed'
    }
    const { remotePeer } = connection
    try {
      await client.ping(remotePeer, signal)
      engine.offer(remotePeer)
      bootstrap.joined(peerId, dialled)
      return 'joined'
    } catch (err) {
      log.debug({ err, peerId }, 'a discovered node does not answer on the overlay')
      // Nobody else asked for this connection: it would only fill the limit.
      if (connection.streams.length === 0) await host.hangUp(remotePeer).catch(() => {})
      return 'foreign'
    }
  }
}
