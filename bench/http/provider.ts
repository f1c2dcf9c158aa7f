import { composeKad, startAll } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/load.ts'
import { createEphemeralIdentity } from '../../src/kms/identity.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { setTimeout as sleep } from 'node:timers/promises'

/** A second peer, which makes an overlay of two with the server at this address and announces the key there. */
export async function startProvider (address: string, key: Uint8Array): Promise<AsyncDisposable> {
  const config = loadConfig({ flags: { 'kad.listen': '/ip4/127.0.0.1/tcp/0', 'kad.addresses': 'any', 'kad.bootstrap': address } })
  const kad = await composeKad(config, {
    identity: createEphemeralIdentity(),
    version: { version: 'bench', gitSha: 'unknown' },
    adminSocket: '',
    log: createLogger({ level: 'silent' }),
    metrics: createMetrics(),
    now: Date.now,
  }, { admit: () => {} })
  const running = await startAll(kad.components)
  while (!kad.checks.every(check => check.reason() === undefined)) await sleep(50)
  const { reached } = await kad.announcer.announce(key, { signal: AbortSignal.timeout(10_000) })
  if (reached !== 1) throw new Error(`the announcement reached ${reached} servers`)
  return running
}
