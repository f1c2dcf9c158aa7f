import { MAX_FRAME_BYTES } from '../../core/limits.ts'
import { assertKey } from '../../core/key.ts'
import { kadIdOf } from '../keyspace.ts'
import type { ProviderRecords } from '../provider/provider-records.ts'
import type { RoutingView } from '../routing/routing-view.ts'
import type { RpcHandler } from './handler.ts'
import { encodePeer, encodedPeerSize, replySize, type EncodedPeer, type Reply } from './message.ts'

interface Deps {
  readonly records: Pick<ProviderRecords, 'shuffled'>
  readonly view: Pick<RoutingView, 'closest'>
}

/** GET_PROVIDERS: live records in random order as far as they fit a frame, and the k closest servers we know. */
export function answerGetProviders ({ records, view }: Deps): RpcHandler {
  return ({ type, key, clusterLevel }, sender) => {
    assertKey(key)
    const closer = view.closest(kadIdOf(key), sender.id).map(({ encoded }) => encoded)
    const reply: Reply = { type, key, closer, clusterLevel }
    const providers: EncodedPeer[] = []
    let room = MAX_FRAME_BYTES - replySize(reply)
    for (const record of records.shuffled(key)) {
      const encoded = encodePeer({ id: record.provider, addrs: record.addrs })
      room -= encodedPeerSize(encoded)
      if (room < 0) break
      providers.push(encoded)
    }
    return { ...reply, providers }
  }
}
