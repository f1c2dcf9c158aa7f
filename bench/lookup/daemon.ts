import { composeBenchKad } from '../surroundings.ts'
import { delayedTcp } from './delayed-tcp.ts'
import { linkOf, type Distances } from './link.ts'

export type Daemon = Awaited<ReturnType<typeof composeDaemon>>

/** The Kademlia plane as the daemon runs it, at the end of delayed links; nothing is started. */
export async function composeDaemon (index: number, distances: Distances, flags: Readonly<Record<string, string>> = {}) {
  const link = linkOf(index, distances)
  return await composeBenchKad({
    'kad.listen': `/ip4/${link.ip}/tcp/0`, 'kad.inboundConnectionsPerSecond': '1000', 'kad.bootstrapProbeInterval': '10s', ...flags,
  }, { transports: [delayedTcp(link)] })
}

export function joinAddress (daemon: Daemon): string {
  return daemon.host.getMultiaddrs()[0]?.toString() ?? ''
}

export function isReady (daemon: Daemon): boolean {
  return daemon.checks.every(check => check.reason() === undefined)
}
