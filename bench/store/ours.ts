import { setImmediate as nextTurn } from 'node:timers/promises'
import { ProviderRecords } from '../../src/kad/provider/provider-records.ts'
import { MemoryProviderStore } from '../../src/kad/provider/store/memory.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { percentile } from '../measure.ts'
import { addressesOf, keyOf, peerOf } from '../rpc/fill.ts'
import { perSecond, PROVIDERS_PER_KEY, rss, type StoreResult } from './worker.ts'

// Our in-memory store behind its quotas, filled with three providers a key.

const [records = 0, peers = 0] = process.argv.slice(2).map(Number)
let now = Date.now()
const providers = Array.from({ length: peers }, (_, index) => peerOf(index).toMultihash().bytes)
const addrs = Array.from({ length: peers }, (_, index) => addressesOf(index))
const keys = Array.from({ length: Math.ceil(records / PROVIDERS_PER_KEY) }, (_, index) => keyOf(index))
const before = rss()

const store = new ProviderRecords({
  ttlMs: 3_600_000, records: records * 2, recordsPerPeer: records, recordsPerPrefix: records, recordsPerKey: 1000, addsPerPeerPerSecond: Number.MAX_SAFE_INTEGER,
}, { store: new MemoryProviderStore(), metrics: createMetrics().providers, now: () => now })

function announceAll (): number {
  const startedAt = performance.now()
  for (let index = 0; index < records; index++) {
    const peer = index % peers
    const key = keys[Math.floor(index / PROVIDERS_PER_KEY)] as Uint8Array
    store.announce({ key, provider: providers[peer] as Uint8Array, addrs: addrs[peer] as Uint8Array[], prefix: '127.0.0.0/24' })
    if (index % 1000 === 0) now += 1 // the records do not all end in one moment
  }
  return perSecond(records, startedAt)
}

const upsertsPerSecond = announceAll()
const rssBytesPerRecord = (rss() - before) / records
const refreshesPerSecond = announceAll()

const gets = 200_000
const latenciesUs: number[] = []
const getsStartedAt = performance.now()
for (let index = 0; index < gets; index++) store.shuffled(keys[index * 7919 % keys.length] as Uint8Array)
const getsPerSecond = perSecond(gets, getsStartedAt)
for (let index = 0; index < 20_000; index++) {
  const begun = performance.now()
  store.shuffled(keys[index * 104_729 % keys.length] as Uint8Array)
  latenciesUs.push((performance.now() - begun) * 1000)
}

now += 7_200_000
const expiryStartedAt = performance.now()
let expiryStallMs = 0
while (store.size > 0) {
  const begun = performance.now()
  store.removeExpired()
  expiryStallMs = Math.max(expiryStallMs, performance.now() - begun)
  await nextTurn()
}
process.send?.({
  upsertsPerSecond, refreshesPerSecond, getsPerSecond, getP99Us: percentile(latenciesUs, 99), rssBytesPerRecord, expiryStallMs, expirySeconds: (performance.now() - expiryStartedAt) / 1000,
} satisfies StoreResult)
