import type { PeerId } from '@libp2p/interface'
import type { Walk } from '../core/peer.ts'
import type { Logger } from '../observability/logger.ts'
import type { Engine } from './engine.ts'
import type { RpcClient } from './rpc/client.ts'
import type { EncodedPeer, MessageType } from './rpc/message.ts'

interface Deps {
  readonly engine: Pick<Engine, 'findClosest'>
  readonly client: Pick<RpcClient, 'addProvider' | 'putValue'>
  readonly log: Logger
}

export interface Published {
  /** Closest peers that took it, of those it was sent to. */
  readonly reached: number
  readonly attempted: number
}

/** How long one peer may take to accept. Milliseconds. */
const SEND_TIMEOUT_MS = 8000

/** Brings records to the k peers closest to their key. */
export class Publisher {
  readonly #deps: Deps

  constructor (deps: Deps) {
    this.#deps = deps
  }

  async publishProvider (key: Uint8Array, self: EncodedPeer, walk: Walk): Promise<Published> {
    return await this.#publish(key, walk, 'ADD_PROVIDER', async (peer, signal) => await this.#deps.client.addProvider(peer, key, self, signal))
  }

  async publishValue (key: Uint8Array, record: Uint8Array, walk: Walk): Promise<Published> {
    return await this.#publish(key, walk, 'PUT_VALUE', async (peer, signal) => await this.#deps.client.putValue(peer, key, record, signal))
  }

  /** All of the k closest at once: k bounds the sends. */
  async #publish (key: Uint8Array, walk: Walk, type: MessageType, send: (peer: PeerId, signal: AbortSignal) => Promise<void>): Promise<Published> {
    const sends: Array<Promise<boolean>> = []
    for await (const { id } of this.#deps.engine.findClosest(key, walk)) {
      const signal = AbortSignal.any([walk.signal, AbortSignal.timeout(SEND_TIMEOUT_MS)])
      const span = walk.span?.child(type, { 'svc_dht.peer': id.toString() }, 'client')
      sends.push(send(id, signal).then(() => {
        span?.end()
        return true
      }, (err: unknown) => {
        span?.end(err instanceof Error ? err.name : 'Error')
        this.#deps.log.debug({ err, peer: id.toString() }, 'peer did not take a record')
        return false
      }))
    }
    const taken = await Promise.all(sends)
    return { reached: taken.filter(Boolean).length, attempted: taken.length }
  }
}
