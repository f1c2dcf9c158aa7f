import { isIPv4, isIPv6 } from 'node:net'

/** The text of 4 or 16 bytes; an IPv4-mapped IPv6 address is the IPv4 address it stands for. */
export function ipText (bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const isMapped = bytes.subarray(0, 10).every(byte => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  if (isMapped) return bytes.subarray(12).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] as number) << 8 | (bytes[2 * i + 1] as number)).toString(16))
  return shortened(groups)
}

/** 4 or 16 bytes. @throws {Error} for what is no IP */
export function ipBytes (text: string): Buffer {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number))
  if (!isIPv6(text)) throw new Error(`${text} is not an IP address`)
  const [left = [], right] = withoutDots(text.split('%')[0] as string).split('::').map(side => side === '' ? [] : side.split(':'))
  const zeros = right === undefined ? [] : new Array<string>(8 - left.length - right.length).fill('0')
  const bytes = Buffer.alloc(16)
  for (const [i, group] of [...left, ...zeros, ...right ?? []].entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * i)
  return bytes
}

/** The one spelling that is used as a key: what `ipText` gives. */
export function normalIp (text: string): string {
  return text.includes(':') ? ipText(ipBytes(text)) : text
}

/** Of an address as text. */
export function familyOf (ip: string): 4 | 6 {
  return ip.includes(':') ? 6 : 4
}

/** What shares a limit: the /24 of IPv4, the /64 of IPv6. */
export function subnetOf (ip: string): string {
  if (!ip.includes(':')) return `${ip.slice(0, ip.lastIndexOf('.'))}.0/24`
  return `${ipText(Buffer.concat([ipBytes(ip).subarray(0, 8), Buffer.alloc(8)]))}/64`
}

/** What is one host to the limits: the address of IPv4, the /64 of IPv6, of which a host has all. */
export function hostOf (ip: string): string {
  return ip.includes(':') ? subnetOf(ip) : ip
}

function withoutDots (text: string): string {
  return text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...octets: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = octets.map(Number)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
}

/** RFC 5952: the longest run of zero groups, of two at least, becomes `::`. */
function shortened (groups: readonly string[]): string {
  const text = groups.join(':')
  const runs = [...text.matchAll(/(?:^|(?<=:))0(?::0)+(?=:|$)/g)].sort((a, b) => b[0].length - a[0].length)
  const [longest] = runs
  if (longest === undefined) return text
  const before = text.slice(0, longest.index).replace(/:$/, '')
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, '')
  return `${before}::${after}`
}
