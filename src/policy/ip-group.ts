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
export function isPrivateIp (text: string): boolean {
  const ip = parseIp(text)
  if (ip === undefined) return false
  return ip.version === 4 ? PRIVATE.check(ip.parts.join('.'), 'ipv4') : PRIVATE.check(ip.parts.join(':'), 'ipv6')
}

/** False for what is no IP. */
export function isLoopbackIp (text: string): boolean {
  const ip = parseIp(text)
  return ip !== undefined && (ip.version === 4 ? ip.parts[0] === '127' : ip.parts.join(':') === '0:0:0:0:0:0:0:1')
}

/**
 * The prefix that shares a quota: /24 of IPv4, /48 of IPv6. Undefined for loopback, where everyone is on one machine, and
 * for what is not an IP.
 */
export function quotaPrefix (text: string): string | undefined {
  const ip = parseIp(text)
  if (ip === undefined || isLoopbackIp(text)) return undefined
  return ip.version === 4 ? `${ip.parts.slice(0, 3).join('.')}.0/24` : `${ip.parts.slice(0, 3).join(':')}::/48`
}

/**
 * The group whose peers are taken for one party in the routing table: IPv4 /16, legacy class A /8, IPv6 /32 (without an ASN
 * database the allocation size of one provider). Undefined for private addresses, which are exempt.
 */
export function diversityGroup (text: string): string | undefined {
  const ip = parseIp(text)
  if (ip === undefined || isPrivateIp(text)) return undefined
  const [first, second] = ip.parts
  if (ip.version === 6) return `${first}:${second}::/32`
  return LEGACY_CLASS_A.has(Number(first)) ? `${first}.0.0.0/8` : `${first}.${second}.0.0/16`
}

/** An address in parts: four decimal octets, or eight hexadecimal groups without leading zeros. */
export interface Ip { readonly version: 4 | 6, readonly parts: readonly string[] }

/** A peer that reaches a dual-stack socket over IPv4 shows an IPv4-mapped address; it is read as the IPv4 address it is. */
export function parseIp (text: string): Ip | undefined {
  if (isIPv4(text)) return { version: 4, parts: text.split('.') }
  if (!isIPv6(text)) return undefined
  const groups = groupsOf(text)
  if (!/^0:0:0:0:0:ffff:/.test(groups.join(':'))) return { version: 6, parts: groups }
  const octets = groups.slice(6).map(group => Number.parseInt(group, 16)).flatMap(value => [value >> 8, value & 0xff])
  return { version: 4, parts: octets.map(String) }
}

/** The eight groups of an IPv6 address in any of its spellings. */
function groupsOf (ip: string): string[] {
  const [bare = ''] = ip.toLowerCase().split('%')
  const plain = bare.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...octets: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = octets.map(Number)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
  const [left = [], right] = plain.split('::').map(side => side === '' ? [] : side.split(':'))
  const zeros = right === undefined ? [] : new Array<string>(8 - left.length - right.length).fill('0')
  return [...left, ...zeros, ...right ?? []].map(group => Number.parseInt(group, 16).toString(16))
}
