import { composeKad } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/load.ts'
import { createEphemeralIdentity } from '../../src/kms/identity.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { delayedTcp } from './delayed-tcp.ts'
import { linkOf, type Distances } from './link.ts'

export type Daemon = Awaited<ReturnType<typeof composeDaemon>>

/** The Kademlia plane as the daemon runs it, at the end of delayed links; nothing is started. */
export async function composeDaemon (index: number, distances: Distances, flags: Readonly<Record<string, string>> = {}) {
  const link = linkOf(index, distances)
  const config = loadConfig({
    flags: { 'kad.listen': `/ip4/${link.ip}/tcp/0`, 'kad.addresses': 'any', 'kad.inboundConnectionsPerSecond': '1000', 'kad.bootstrapProbeInterval': '10s', ...flags },
  })
  return await composeKad(config, {
    identity: createEphemeralIdentity(),
    version: { version: 'bench', gitSha: 'unknown' },
    adminSocket: '',
    log: createLogger({ level: 'silent' }),
    metrics: createMetrics(),
    now: Date.now,
    transports: [delayedTcp(link)],
  }, { admit: () => {} })
}

export function joinAddress (daemon: Daemon): string {
  return daemon.host.getMultiaddrs()[0]?.toString() ?? ''
}

export function isReady (daemon: Daemon): boolean {
  return daemon.checks.every(check => check.reason() === undefined)
}
