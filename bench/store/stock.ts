import { peerIdFromMultihash } from '@libp2p/peer-id'
import type { PeerId } from '@libp2p/interface'
import { MemoryDatastore } from 'datastore-core'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import * as Digest from 'multiformats/hashes/digest'
import { percentile } from '../measure.ts'
import { keyOf, peerOf } from '../rpc/fill.ts'
import { perSecond, PROVIDERS_PER_KEY, rss, type StoreResult } from './worker.ts'

// The provider store of @libp2p/kad-dht on its in-memory datastore. It holds no addresses and has no quotas.

interface StockProviders {
  addProvider (cid: CID, provider: PeerId): Promise<void>
  getProviders (cid: CID): Promise<PeerId[]>
}

const { Providers } = await import(new URL('../../node_modules/@libp2p/kad-dht/dist/src/providers.js', import.meta.url).href) as {
  Providers: new (components: object, init: object) => StockProviders
}
const [records = 0, peers = 0] = process.argv.slice(2).map(Number)
const silent = Object.assign(() => {}, { error () {}, trace () {}, enabled: false })
const providers = Array.from({ length: peers }, (_, index) => peerIdFromMultihash(peerOf(index).toMultihash()))
const cids = Array.from({ length: Math.ceil(records / PROVIDERS_PER_KEY) }, (_, index) => CID.createV1(raw.code, Digest.decode(keyOf(index))))
const before = rss()
const store = new Providers({ datastore: new MemoryDatastore(), logger: { forComponent: () => silent } }, { logPrefix: '', datastorePrefix: '/dht', metricsPrefix: '' })

async function announceAll (): Promise<number> {
  const startedAt = performance.now()
  for (let index = 0; index < records; index++) await store.addProvider(cids[Math.floor(index / PROVIDERS_PER_KEY)] as CID, providers[index % peers] as PeerId)
  return perSecond(records, startedAt)
}

const upsertsPerSecond = await announceAll()
const rssBytesPerRecord = (rss() - before) / records
const refreshesPerSecond = await announceAll()
const latenciesUs: number[] = []
const startedAt = performance.now()
let gets = 0
for (; gets < 10_000 && performance.now() - startedAt < 5000; gets++) {
  const begun = performance.now()
  await store.getProviders(cids[gets * 7919 % cids.length] as CID)
  latenciesUs.push((performance.now() - begun) * 1000)
}
process.send?.({
  upsertsPerSecond, refreshesPerSecond, getsPerSecond: perSecond(gets, startedAt), getP99Us: percentile(latenciesUs, 99), rssBytesPerRecord, expiryStallMs: Number.NaN, expirySeconds: Number.NaN,
} satisfies StoreResult)
