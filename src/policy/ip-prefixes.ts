import { DhtError } from '../core/errors.ts'
import { parseIp, type Ip } from './ip-group.ts'

const BITS = { 4: 32, 6: 128 } as const

/** The value of an address: exact for both versions. */
function valueOf ({ version, parts }: Ip): bigint {
  const [radix, bits] = version === 4 ? [10, 8n] as const : [16, 16n] as const
  return parts.reduce((value, part) => (value << bits) | BigInt(Number.parseInt(part, radix)), 0n)
}

interface Prefix { readonly version: 4 | 6, readonly network: bigint, readonly length: number }

/**
 * One address or `address/length`. IPv4-mapped IPv6 is the IPv4 it means.
 * @throws {DhtError} BadRequest for anything else, also for bits set beyond the length: such a line says something other than it does
 */
export function parsePrefix (text: string): Prefix {
  const [address = '', lengthText, ...rest] = text.split('/')
  const ip = parseIp(address)
  if (ip === undefined || rest.length > 0 || address.includes('%')) throw badPrefix(text, 'is not an IP prefix')
  const isMapped = ip.version === 4 && address.includes(':')
  const most = isMapped ? 128 : BITS[ip.version]
  if (lengthText !== undefined && !/^(0|[1-9]\d{0,2})$/.test(lengthText)) throw badPrefix(text, 'has no valid length')
  const length = Number(lengthText ?? most) - (isMapped ? 96 : 0)
  if (length < 0 || length > BITS[ip.version]) throw badPrefix(text, 'has no valid length')
  const hostBits = BigInt(BITS[ip.version] - length)
  const value = valueOf(ip)
  if ((value >> hostBits) << hostBits !== value) throw badPrefix(text, 'has bits set beyond its length')
  return { version: ip.version, network: value >> hostBits, length }
}

/**
 * A set of IP prefixes. Asking costs one look-up for each distinct length of the set, at most 33 or 129, however many prefixes
 * it has. `::/0` means all of IPv6 and none of IPv4.
 */
export class IpPrefixes {
  /** By version, longest first: the prefixes of one length. Bounded by the list it was made from. */
  readonly #lengths: Readonly<Record<4 | 6, ReadonlyArray<{ readonly length: number, readonly networks: ReadonlySet<bigint> }>>>

  /** @throws {DhtError} BadRequest for a text that is not a prefix */
  constructor (texts: readonly string[]) {
    const tables = { 4: new Map<number, Set<bigint>>(), 6: new Map<number, Set<bigint>>() }
    for (const text of texts) {
      const { version, network, length } = parsePrefix(text)
      const networks = tables[version].get(length) ?? new Set()
      tables[version].set(length, networks.add(network))
    }
    const sorted = (table: ReadonlyMap<number, ReadonlySet<bigint>>) =>
      [...table].map(([length, networks]) => ({ length, networks })).sort((a, b) => b.length - a.length)
    this.#lengths = { 4: sorted(tables[4]), 6: sorted(tables[6]) }
  }

  /** False for what is not an IP address. */
  has (text: string): boolean {
    const ip = parseIp(text)
    return ip !== undefined && this.#lengthAt(ip) !== undefined
  }

  /** The longest prefix of the set that the address is in. */
  find (text: string): string | undefined {
    const ip = parseIp(text)
    const length = ip === undefined ? undefined : this.#lengthAt(ip)
    return ip === undefined || length === undefined ? undefined : formatPrefix(ip, length)
  }

  #lengthAt (ip: Ip): number | undefined {
    const lengths = this.#lengths[ip.version]
    if (lengths.length === 0) return undefined
    const value = valueOf(ip)
    return lengths.find(({ length, networks }) => networks.has(value >> BigInt(BITS[ip.version] - length)))?.length
  }
}

/** The first `length` bits of the address, in the form that `parsePrefix` reads. */
function formatPrefix (ip: Ip, length: number): string {
  const hostBits = BigInt(BITS[ip.version] - length)
  const network = (valueOf(ip) >> hostBits) << hostBits
  const [partBits, radix, separator] = ip.version === 4 ? [8n, 10, '.'] as const : [16n, 16, ':'] as const
  const parts = ip.parts.map((_, index) => ((network >> (partBits * BigInt(ip.parts.length - 1 - index))) & ((1n << partBits) - 1n)).toString(radix))
  const text = parts.join(separator)
  return `${ip.version === 6 ? text.replace(/(?::0){2,}$/, '::').replace(/^0::$/, '::') : text}/${length}`
}

function badPrefix (text: string, fault: string): DhtError {
  return new DhtError('BadRequest', `${JSON.stringify(text)} ${fault}.`, { hint: 'Write it as 192.0.2.0/24 or 2001:db8::/32, without bits beyond the length.' })
}
