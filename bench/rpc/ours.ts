import { composeKad, startAll } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/load.ts'
import { createEphemeralIdentity } from '../../src/kms/identity.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { serveUsage } from '../server-process.ts'
import { addressesOf, fillTable, keyOf, peerOf } from './fill.ts'

// Our Kademlia plane as the daemon runs it, without quotas that a single load generator would hit.

const [records = 0, peers = 0] = process.argv.slice(2).map(Number)
const UNLIMITED = '1000000'
const config = loadConfig({
  flags: {
    'kad.listen': '/ip4/127.0.0.1/tcp/0',
    'kad.addresses': 'any',
    'kad.inboundConnectionsPerSecond': '1000',
    'kad.rpcsPerPeerPerSecond': UNLIMITED,
    'kad.rpcsPerPrefixPerSecond': UNLIMITED,
    'providers.addsPerPeerPerSecond': UNLIMITED,
    'providers.records': '10000000',
    'providers.recordsPerPeer': '10000000',
    'providers.recordsPerKey': '100000',
  },
})
const kad = await composeKad(config, {
  identity: createEphemeralIdentity(),
  version: { version: 'bench', gitSha: 'unknown' },
  adminSocket: '',
  log: createLogger({ level: 'silent' }),
  metrics: createMetrics(),
  now: Date.now,
}, { admit: () => {} })
await startAll(kad.components)
await fillTable(kad.host, peers)
globalThis.gc?.()
const rssBefore = process.memoryUsage.rss()
const expiresAt = Date.now() + 86_400_000
for (let index = 0; index < records; index++) {
  const provider = index % 1000
  kad.records.hold({ key: keyOf(Math.floor(index / 3)), provider: peerOf(provider).toMultihash().bytes, addrs: addressesOf(provider), prefix: undefined }, expiresAt)
}
globalThis.gc?.()
serveUsage({ address: kad.host.getMultiaddrs()[0]?.toString(), rssPerRecord: (process.memoryUsage.rss() - rssBefore) / records })
