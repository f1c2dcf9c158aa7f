import { DhtError } from '../../core/errors.ts'
import { kadIdOf } from '../keyspace.ts'
import type { RoutingView } from '../routing/routing-view.ts'
import type { RpcHandler } from './handler.ts'
import type { EncodedPeer } from './message.ts'

interface Deps {
  readonly view: Pick<RoutingView, 'closest'>
  /** A peer we know addresses of, be it a server, a client or ourselves, by its binary ID. */
  readonly knownPeer: (id: Uint8Array) => EncodedPeer | undefined
}

/** FIND_NODE: the target itself when we know it (IPFS kad-dht: even a client, even the requester), then the k closest servers. */
export function answerFindNode ({ view, knownPeer }: Deps): RpcHandler {
  return ({ type, key, clusterLevel }, sender) => {
    if (key.byteLength === 0) throw new DhtError('BadRequest', 'The key is empty.', { reason: 'key' })
    const closest = view.closest(kadIdOf(key), sender.id)
    const target = knownPeer(key)
    const isListed = target !== undefined && closest[0] !== undefined && Buffer.compare(closest[0].bytes, key) === 0
    const closer = closest.map(({ encoded }) => encoded)
    return { type, closer: target === undefined || isListed ? closer : [target, ...closer], clusterLevel }
  }
}
