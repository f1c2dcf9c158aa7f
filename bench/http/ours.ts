import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDaemon } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/load.ts'
import { createEphemeralIdentity } from '../../src/kms/identity.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { serveUsage } from '../server-process.ts'

// A whole daemon with its public listener, without the rate that a single load generator would hit.

const config = loadConfig({
  flags: {
    'kad.listen': '/ip4/127.0.0.1/tcp/0',
    'kad.addresses': 'any',
    'public.listen': '127.0.0.1:0',
    'public.requestsPerPrefixPerSecond': '1000000',
    'ops.listen': '',
  },
})
const daemon = await startDaemon(config, {
  identity: createEphemeralIdentity(),
  version: { version: 'bench', gitSha: 'unknown' },
  adminSocket: join(mkdtempSync(join(tmpdir(), 'svc-dht-bench-')), 'run', 'admin.sock'),
  log: createLogger({ level: 'info' }, { write: () => {} }),
  metrics: createMetrics(),
  now: Date.now,
})
serveUsage({ url: daemon.publicUrl, address: daemon.addresses()[0] })
