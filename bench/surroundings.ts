import { startAll, startDaemon, type Daemon } from '../src/compose.ts'
import { composeKad } from '../src/compose/kad.ts'
import type { Surroundings } from '../src/compose/surroundings.ts'
import { loadConfig } from '../src/config/load.ts'
import { createEphemeralIdentity } from '../src/kms/identity.ts'
import { createLogger } from '../src/observability/logger.ts'
import { createMetrics } from '../src/observability/metrics.ts'

type Flags = Readonly<Record<string, string>>
type KadPlane = Awaited<ReturnType<typeof composeKad>>

const ON_LOOPBACK: Flags = { 'kad.listen': '/ip4/127.0.0.1/tcp/0', 'kad.addresses': 'any', 'discv5.enabled': 'false' }
const UNLIMITED = '1000000'

/** Quotas that a single load generator would hit are out of the way. */
export const UNHINDERED: Flags = {
  'kad.inboundConnectionsPerSecond': '1000',
  'kad.rpcsPerPeerPerSecond': UNLIMITED,
  'kad.rpcsPerPrefixPerSecond': UNLIMITED,
  'providers.addsPerPeerPerSecond': UNLIMITED,
  'providers.records': '10000000',
  'providers.recordsPerPeer': '10000000',
  'providers.recordsPerKey': '100000',
  'public.requestsPerPrefixPerSecond': UNLIMITED,
}

/** Where every daemon of a bench runs: an identity of its own, nothing logged. */
function surroundings (own: Partial<Surroundings>): Surroundings {
  return {
    identity: createEphemeralIdentity(),
    version: { version: 'bench', gitSha: 'unknown' },
    adminSocket: '',
    log: createLogger({ level: 'silent' }),
    metrics: createMetrics(),
    now: Date.now,
    ...own,
  }
}

/** A whole daemon on loopback, without the listeners whose addresses are not given. */
export async function startBenchDaemon (flags: Flags, own: Partial<Surroundings> & Pick<Surroundings, 'adminSocket'>): Promise<Daemon> {
  return await startDaemon(loadConfig({ flags: { ...ON_LOOPBACK, 'public.listen': '', 'ops.listen': '', ...flags } }), surroundings(own))
}

/** The Kademlia plane as the daemon runs it, which refuses nobody for load; nothing of it is started. */
export async function composeBenchKad (flags: Flags, own: Partial<Surroundings> = {}): Promise<KadPlane> {
  return await composeKad(loadConfig({ flags: { ...ON_LOOPBACK, ...flags } }), surroundings(own), { admit: () => {} })
}

/** The same, started. Disposing of `running` stops it. */
export async function startBenchKad (flags: Flags, own: Partial<Surroundings> = {}): Promise<KadPlane & { readonly running: AsyncDisposable }> {
  const kad = await composeBenchKad(flags, own)
  return { ...kad, running: await startAll(kad.components) }
}
