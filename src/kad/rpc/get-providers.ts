import { MAX_FRAME_BYTES } from '../../core/limits.ts'
import { assertKey } from '../../core/key.ts'
import { kadIdOf } from '../keyspace.ts'
import type { ProviderRecords } from '../provider/provider-records.ts'
import type { ProviderRecord } from '../provider/record.ts'
import type { RoutingView } from '../routing/routing-view.ts'
import type { RpcHandler } from './handler.ts'
import { encodePeer, encodedPeerSize, replySize, type EncodedPeer, type Reply } from './message.ts'

interface Deps {
  readonly records: Pick<ProviderRecords, 'shuffled'>
  readonly view: Pick<RoutingView, 'closest'>
}

/** GET_PROVIDERS: live records in random order as far as they fit a frame, and the k closest servers we know. */
export function answerGetProviders ({ records, view }: Deps): RpcHandler {
  const encode = encodeOnce()
  return ({ type, key, clusterLevel }, sender) => {
    assertKey(key)
    const closer = view.closest(kadIdOf(key), sender.id).map(({ encoded }) => encoded)
    const reply: Reply = { type, key, closer, clusterLevel }
    const providers: EncodedPeer[] = []
    let room = MAX_FRAME_BYTES - replySize(reply)
    for (const record of records.shuffled(key)) {
      const encoded = encode(record)
      room -= encodedPeerSize(encoded)
      if (room < 0) break
      providers.push(encoded)
    }
    return { ...reply, providers }
  }
}

/** A provider has one list of addresses, which all its records share until it announces others: encoded once, it serves them all. */
function encodeOnce (): (record: ProviderRecord) => EncodedPeer {
  const encodings = new WeakMap<readonly Uint8Array[], EncodedPeer>()
  return ({ provider, addrs }) => {
    const known = encodings.get(addrs)
    if (known !== undefined) return known
    const encoded = encodePeer({ id: provider, addrs })
    encodings.set(addrs, encoded)
    return encoded
  }
}
