import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { startDaemon } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/load.ts'
import { createEphemeralIdentity } from '../../src/kms/identity.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'

// A whole daemon with short-lived records, so that a soak sees as many expire as arrive.

const [folder = '.'] = process.argv.slice(2)
const daemon = await startDaemon(loadConfig({
  flags: {
    'kad.listen': '/ip4/127.0.0.1/tcp/0',
    'kad.addresses': 'any',
    'kad.inboundConnectionsPerSecond': '1000',
    'kad.rpcsPerPeerPerSecond': '100000',
    'providers.addsPerPeerPerSecond': '100000',
    'providers.ttl': '20s',
    'public.listen': '127.0.0.1:0',
    'public.requestsPerPrefixPerSecond': '100000',
    'ops.listen': '127.0.0.1:0',
  },
}), {
  identity: createEphemeralIdentity(),
  version: { version: 'bench', gitSha: 'unknown' },
  adminSocket: join(folder, 'run', 'admin.sock'),
  log: createLogger({ level: 'silent' }),
  metrics: createMetrics(),
  now: Date.now,
})

process.on('message', () => {
  globalThis.gc?.()
  process.send?.({ rssBytes: process.memoryUsage.rss(), heapBytes: process.memoryUsage().heapUsed, fileDescriptors: readdirSync('/proc/self/fd').length })
})
process.send?.({ address: daemon.addresses()[0], publicUrl: daemon.publicUrl, opsUrl: daemon.opsUrl })
