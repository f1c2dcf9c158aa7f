import { DhtError } from '../../core/errors.ts'
import { decodeValueRecord } from '../value/value-record.ts'
import type { ValueStore } from '../value/value-store.ts'
import type { RpcHandler } from './handler.ts'

interface Deps {
  readonly values: Pick<ValueStore, 'put'>
}

/** PUT_VALUE: keeps the value when it is valid for its key and not older than what we hold; the reply is the request. */
export function answerPutValue ({ values }: Deps): RpcHandler {
  return async ({ type, key, record, clusterLevel }, sender) => {
    if (record === undefined) throw new DhtError('BadRequest', 'The request has no record.', { reason: 'record' })
    const held = decodeValueRecord(record)
    if (Buffer.compare(held.key, key) !== 0) throw new DhtError('BadRequest', 'The record is for another key.', { reason: 'record' })
    await values.put(key, held.value, sender.id)
    return { type, key, record, clusterLevel }
  }
}
