import { kadIdOf } from '../keyspace.ts'
import type { RoutingView } from '../routing/routing-view.ts'
import { parseValueKey } from '../value/namespaces.ts'
import type { ValueStore } from '../value/value-store.ts'
import type { RpcHandler } from './handler.ts'

interface Deps {
  readonly values: Pick<ValueStore, 'getRecord'>
  readonly view: Pick<RoutingView, 'closest'>
}

/** GET_VALUE: the record we hold while it is valid, and the k closest servers we know. */
export function answerGetValue ({ values, view }: Deps): RpcHandler {
  return ({ type, key, clusterLevel }, sender) => {
    parseValueKey(key)
    const closer = view.closest(kadIdOf(key), sender.id).map(({ encoded }) => encoded)
    return { type, key, record: values.getRecord(key), closer, clusterLevel }
  }
}
