import t from 'tap'
import { isLive, mergeRecord, type ProviderRecord } from '../../../src/kad/provider/record.ts'
import { addrsOf, bytesOf, peerOf } from '../fixtures.ts'

const record: ProviderRecord = {
  provider: bytesOf(peerOf('a')), addrs: addrsOf('/ip4/192.0.2.1/tcp/1'), receivedAt: 0, expiresAt: 1000, source: 'rpc', prefix: undefined,
}

t.test('a record is live before the moment it expires', async t => {
  t.strictSame([999, 1000, 1001].map(now => isLive(record, now)), [true, false, false])
})

t.test('a first announcement is taken as it is', async t => {
  t.equal(mergeRecord(undefined, record), record)
})

t.test('a repeat brings all that is new, but no earlier end', async t => {
  const repeat: ProviderRecord = { ...record, addrs: addrsOf('/ip4/192.0.2.1/tcp/2'), receivedAt: 5, source: 'operator', prefix: '192.0.2.0/24' }
  t.strictSame(mergeRecord(record, { ...repeat, expiresAt: 2000 }), { ...repeat, expiresAt: 2000 })
  t.strictSame(mergeRecord(record, { ...repeat, expiresAt: 500 }), { ...repeat, expiresAt: 1000 })
})
