import { isLoopbackIp, isPrivateIp } from '../../policy/ip-group.ts'
import type { Endpoint } from '../engine.ts'
import { subnetOf } from '../ip.ts'

/** geth, netutil.CheckRelayAddr: who may tell us, or be told, of a node at `ip`. Loopback stays on the host, LAN on the LAN. */
export function mayRelay (senderIp: string, ip: string): boolean {
  if (isSpecial(ip)) return false
  if (isLoopbackIp(ip)) return isLoopbackIp(senderIp)
  return !isPrivateIp(ip) || isPrivateIp(senderIp)
}

/** A node can be spoken to there. */
export function isUsable ({ ip, port }: Endpoint): boolean {
  return port > 0 && !isSpecial(ip)
}

/** What counts against the subnet limits; undefined for LAN and loopback, which are exempt. */
export function limitedSubnet (ip: string): string | undefined {
  return isPrivateIp(ip) ? undefined : subnetOf(ip)
}

/** Unspecified, multicast, broadcast and reserved addresses, and those of documentation. */
function isSpecial (ip: string): boolean {
  if (ip.includes(':')) return ip === '::' || ip.startsWith('ff') || ip.startsWith('2001:db8:')
  const [a = 0, b = 0, c = 0] = ip.split('.').map(Number)
  return a === 0 || a >= 224 || (a === 192 && b === 0 && (c === 0 || c === 2)) || (a === 198 && b === 51 && c === 100) || (a === 203 && b === 0 && c === 113)
}
