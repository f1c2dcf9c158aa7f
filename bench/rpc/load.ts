import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Libp2p, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { FrameSplitter } from '../../src/kad/rpc/frames.ts'
import { encodePeer, encodeReply, type MessageType } from '../../src/kad/rpc/message.ts'
import { addressesOf, keyOf } from './fill.ts'

export type StreamUse = 'long' | 'new'

export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  readonly latenciesMs: readonly number[]
}

const PROTOCOL = '/ron/kad/1.0.0'
const IN_FLIGHT = 8

export async function createClient (): Promise<Libp2p> {
  return await createLibp2p({
    transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()], services: { identify: identify() }, connectionManager: { dialTimeout: 30_000 },
  })
}

/** Eight requests in flight, each on a stream that stays open or on one of its own, for `durationMs`. */
export async function runLoad (client: Libp2p, address: string, type: MessageType, use: StreamUse, durationMs: number, keys: number): Promise<LoadResult> {
  const self = encodePeer({ id: client.peerId.toMultihash().bytes, addrs: addressesOf(7) })
  const latenciesMs: number[] = []
  let sent = 0
  const startedAt = performance.now()
  const endsAt = startedAt + durationMs
  const target = multiaddr(address)

  async function work (): Promise<void> {
    let exchange = use === 'long' ? new Exchange(await client.dialProtocol(target, PROTOCOL)) : undefined
    do { // at least once, however short the round
      const begun = performance.now()
      if (use === 'new') exchange = new Exchange(await client.dialProtocol(target, PROTOCOL))
      const key = keyOf(sent++ % keys)
      if (type === 'ADD_PROVIDER') {
        exchange?.send(encodeReply({ type, key, providers: [self] }))
        await exchange?.ask(encodeReply({ type: 'PING' })) // no reply of its own: the ping is behind it in line
      } else {
        await exchange?.ask(encodeReply(type === 'PING' ? { type } : { type, key }))
      }
      if (use === 'new') await exchange?.close()
      latenciesMs.push(performance.now() - begun)
    } while (performance.now() < endsAt)
    await exchange?.close()
  }

  await Promise.all(Array.from({ length: IN_FLIGHT }, work))
  return { requests: latenciesMs.length, seconds: (performance.now() - startedAt) / 1000, latenciesMs }
}

/** Requests and replies on one stream, one at a time. */
class Exchange {
  readonly #stream: Stream
  readonly #splitter = new FrameSplitter()
  #resolve: () => void = () => {}
  #reject: (err: unknown) => void = () => {}

  constructor (stream: Stream) {
    this.#stream = stream
    stream.addEventListener('message', ({ data }) => { if (this.#splitter.push(data.subarray()).length > 0) this.#resolve() })
    stream.addEventListener('close', ({ error }) => this.#reject(error ?? new Error('closed')))
  }

  send (message: Uint8Array): void {
    this.#stream.send(message)
  }

  async ask (message: Uint8Array): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#resolve = resolve
    this.#reject = reject
    this.#stream.send(message)
    await promise
    this.#reject = () => {}
  }

  async close (): Promise<void> {
    await this.#stream.close().catch(() => {})
  }
}
