import { DhtError } from '../../core/errors.ts'
import { assertKey } from '../../core/key.ts'
import { usableAddresses, type AddressScope } from '../addresses.ts'
import type { ProviderRecords } from '../provider/provider-records.ts'
import type { RpcHandler } from './handler.ts'

interface Deps {
  readonly records: Pick<ProviderRecords, 'announce'>
  readonly scope: AddressScope
}

/**
 * ADD_PROVIDER: holds the sender's own announcement. There is no reply: peers in the field send none and reuse the stream, so
 * one would be taken for the answer to their next request (decision 0002). A refusal resets the stream.
 */
export function answerAddProvider ({ records, scope }: Deps): RpcHandler {
  return (request, sender) => {
    const key = assertKey(request.key)
    // libp2p kad-dht, ADD_PROVIDER: only entries of the sender itself count
    const own = request.providers.find(({ id }) => Buffer.compare(id, sender.bytes) === 0)
    if (own === undefined) throw new DhtError('BadRequest', 'No provider entry is the sender’s own.', { reason: 'provider' })

    const addrs = usableAddresses(own.addrs, sender.id, scope)
    if (addrs.length === 0) throw new DhtError('BadRequest', 'No usable address was announced.', { reason: 'addresses' })
    records.announce({ key, provider: sender.bytes, addrs, prefix: sender.prefix })
    return undefined
  }
}
