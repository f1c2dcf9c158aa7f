import t from 'tap'
import { MemoryProviderStore } from '../../../../src/kad/provider/store/memory.ts'
import { addrsOf, bytesOf, keyOf, peerOf } from '../../fixtures.ts'
import { providerStoreSuite } from './suite.ts'

providerStoreSuite(t, () => new MemoryProviderStore())

t.test('a record is said to take about a hundred bytes', async t => {
  const store = new MemoryProviderStore()
  const [saidBefore, records] = [store.sizeBytes, 50_000]
  for (let key = 0; key < records; key++) store.upsert({ key: keyOf(key), provider: bytesOf(peerOf('a')), addrs: addrsOf('/ip4/203.0.113.7/tcp/1'), receivedAt: 0, expiresAt: 1e12, source: 'rpc', prefix: undefined })
  const said = store.sizeBytes - saidBefore
  t.ok(said > records * 60 && said < records * 200, `${said / records} bytes a record`)
})
