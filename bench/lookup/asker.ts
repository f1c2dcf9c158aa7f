import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { setTimeout as sleep } from 'node:timers/promises'
import { startAll } from '../../src/compose.ts'
import { emptyTrace, type Walk } from '../../src/core/peer.ts'
import { Engine } from '../../src/kad/engine.ts'
import type { Host } from '../../src/kad/host.ts'
import { RpcServer } from '../../src/kad/rpc/server.ts'
import { keyOf } from '../rpc/fill.ts'
import { delayedTcp } from './delayed-tcp.ts'
import { composeDaemon, isReady } from './daemon.ts'
import { linkOf, type Distances } from './link.ts'

/** `cold` is `providers` without an open connection, `empty` asks for what nobody provides. */
export type Kind = 'providers' | 'closest' | 'empty' | 'cold'

/** What one lookup did. */
export interface Walked {
  readonly found: number
  readonly firstMs: number
  readonly firstMessages: number
  readonly hops: number
  readonly ms: number
  readonly messages: number
}

/** A peer that asks the network and is not asked by it, so that one asker does not change what the next one finds. */
export interface Asker extends AsyncDisposable {
  readonly name: string
  ask (kind: Kind, key: number): Promise<Walked>
}

interface Plane {
  walkProviders (key: Uint8Array, walk: Walk): AsyncIterable<unknown>
  walkClosest (key: Uint8Array, walk: Walk): AsyncIterable<unknown>
}

const PROTOCOL = '/ron/kad/1.0.0'
const DEADLINE_MS = 25_000
/** Keys from here on are never announced. */
const NOBODY_PROVIDES = 1_000_000

export interface Width { readonly concurrency: number, readonly disjointPaths: number }

/** Our daemon's kad plane without its server. */
export async function startOurs (index: number, distances: Distances, bootstrap: readonly string[], { concurrency, disjointPaths }: Width): Promise<Asker> {
  const daemon = await composeDaemon(index, distances, { 'kad.concurrency': String(concurrency), 'kad.disjointPaths': String(disjointPaths) })
  const running = await startAll(daemon.components.filter(component => !(component instanceof RpcServer)))
  daemon.bootstrap.replace(bootstrap)
  while (!isReady(daemon)) await sleep(50)
  return askerOf(`${concurrency}/${disjointPaths}`, daemon.host, daemon.overlay, running)
}

/** js-libp2p with the stock kad-dht as it comes: α = 10, as many paths. */
export async function startStock (index: number, distances: Distances, bootstrap: readonly string[]): Promise<Asker> {
  const link = linkOf(index, distances)
  const host = await createLibp2p({
    transports: [delayedTcp(link, tcp())],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: address => !address.toString().startsWith('/ip4/127.') },
    services: { identify: identify(), ping: ping(), dht: kadDHT({ protocol: PROTOCOL, clientMode: true, peerInfoMapper: passthroughMapper }) },
  })
  const knowsItself = new Promise(resolve => { (host as EventTarget).addEventListener('kad-dht:query:self', resolve, { once: true }) })
  await Promise.all(bootstrap.map(async address => await host.dial(multiaddr(address))))
  await knowsItself
  const engine = new Engine(host as unknown as Host)
  const plane: Plane = { walkProviders: (key, walk) => engine.findProviders(key, walk), walkClosest: (key, walk) => engine.findClosest(key, walk) }
  return askerOf('@libp2p/kad-dht', host, plane, { [Symbol.asyncDispose]: async () => await host.stop() })
}

function askerOf (name: string, host: Pick<Host, 'getConnections'>, plane: Plane, running: AsyncDisposable): Asker {
  async function ask (kind: Kind, key: number): Promise<Walked> {
    if (kind === 'cold') await Promise.all(host.getConnections().map(async connection => await connection.close()))
    const walk = { signal: AbortSignal.timeout(DEADLINE_MS), trace: emptyTrace() }
    const startedAt = performance.now()
    let first: { readonly firstMs: number, readonly firstMessages: number, readonly hops: number } | undefined
    const found: unknown[] = []
    const bytes = keyOf(kind === 'empty' ? NOBODY_PROVIDES + key : key)
    for await (const peer of kind === 'closest' ? plane.walkClosest(bytes, walk) : plane.walkProviders(bytes, walk)) {
      found.push(peer)
      first ??= { firstMs: performance.now() - startedAt, firstMessages: walk.trace.messages, hops: walk.trace.hops }
    }
    const ms = performance.now() - startedAt
    return { found: found.length, ms, messages: walk.trace.messages, ...first ?? { firstMs: ms, firstMessages: walk.trace.messages, hops: walk.trace.hops } }
  }
  return { name, ask, [Symbol.asyncDispose]: async () => await running[Symbol.asyncDispose]() }
}
