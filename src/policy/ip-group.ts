import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** Addresses that say nothing about who is behind them on the public internet: never grouped, never a quota of their own. */
const PRIVATE = new BlockList()
for (const [network, bits] of [
  ['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['100.64.0.0', 10], ['169.254.0.0', 16], ['127.0.0.0', 8], ['0.0.0.0', 8],
] as const) PRIVATE.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of [['fc00::', 7], ['fe80::', 10], ['::1', 128], ['::', 128]] as const) PRIVATE.addSubnet(network, bits, 'ipv6')

/** Former class A networks: one owner holds the whole /8, so they group by /8 (IPFS kad-dht, IP diversity filter). */
const LEGACY_CLASS_A: ReadonlySet<number> = new Set([
  6, 7, 9, 11, 12, 17, 19, 21, 22, 26, 28, 29, 30, 33, 38, 48, 53, 55, 56, 214, 215,
])

/** True for loopback, link-local, private and shared addresses, also as IPv4-mapped IPv6. */
export function isPrivateIp (ip: string): boolean {
  const plain = unmapped(ip)
  if (isIPv4(plain)) return PRIVATE.check(plain, 'ipv4')
  return isIPv6(plain) && PRIVATE.check(plain, 'ipv6')
}

export function isLoopbackIp (ip: string): boolean {
  const plain = unmapped(ip)
  return plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'))
}

/**
 * The prefix that shares a quota: /24 of IPv4, /48 of IPv6. Undefined for loopback, where everyone is on one machine, and
 * for what is not an IP.
 */
export function quotaPrefix (ip: string): string | undefined {
  const plain = unmapped(ip)
  if (isLoopbackIp(plain)) return undefined
  if (isIPv4(plain)) return `${plain.split('.').slice(0, 3).join('.')}.0/24`
  return isIPv6(plain) ? `${hextets(plain).slice(0, 3).join(':')}::/48` : undefined
}

/**
 * The group whose peers are taken for one party in the routing table: IPv4 /16, legacy class A /8, IPv6 /32 (without an ASN
 * database the allocation size of one provider). Undefined for private addresses, which are exempt.
 */
export function diversityGroup (ip: string): string | undefined {
  const plain = unmapped(ip)
  if (isPrivateIp(plain)) return undefined
  if (isIPv4(plain)) {
    const octets = plain.split('.')
    return LEGACY_CLASS_A.has(Number(octets[0])) ? `${octets[0]}.0.0.0/8` : `${octets[0]}.${octets[1]}.0.0/16`
  }
  return isIPv6(plain) ? `${hextets(plain).slice(0, 2).join(':')}::/32` : undefined
}

function unmapped (ip: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1] ?? ip
}

/** The eight groups of an IPv6 address, without leading zeros. */
function hextets (ip: string): string[] {
  const [head = '', tail] = ip.toLowerCase().split('%')[0]?.split('::') ?? []
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : new Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  return [...left, ...zeros, ...right].map(group => Number.parseInt(group, 16).toString(16))
}
