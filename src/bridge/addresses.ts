import { isInScope, type AddressScope } from '../kad/addresses.ts'

const FAMILIES = [
  { ip: 'ip', bytes: 4, tcp: 'tcp', quic: 'quic', protocol: 'ip4' },
  { ip: 'ip6', bytes: 16, tcp: 'tcp6', quic: 'quic6', protocol: 'ip6' },
] as const

export interface DialAddresses {
  /** Multiaddrs without /p2p: QUIC before TCP, IPv4 before IPv6. At most four. */
  readonly addresses: readonly string[]
  /** True when an address was left out because it is private, or nobody's. */
  readonly hadRefused: boolean
}

/** Every libp2p address of a record that is in scope: a record from the public network does not have us knock inside our own. Ports go with the IP of their family; `udp` and `udp6` are discv5's own and never dialled. */
export function dialAddresses (pairs: ReadonlyMap<string, Uint8Array>, scope: AddressScope): DialAddresses {
  const addresses: string[] = []
  let hadRefused = false
  for (const family of FAMILIES) {
    const bytes = pairs.get(family.ip)
    const quic = port(pairs.get(family.quic))
    const tcp = port(pairs.get(family.tcp))
    if (bytes?.length !== family.bytes || (quic === undefined && tcp === undefined)) continue
    const ip = ipText(bytes)
    if (isNobody(bytes) || !isInScope(`/${family.protocol}/${ip}`, scope)) {
      hadRefused = true
      continue
    }
    if (quic !== undefined) addresses.push(`/${family.protocol}/${ip}/udp/${quic}/quic-v1`)
    if (tcp !== undefined) addresses.push(`/${family.protocol}/${ip}/tcp/${tcp}`)
  }
  return { addresses, hadRefused }
}

/** A big-endian number from 1 to 65535; undefined for anything else. */
function port (bytes: Uint8Array | undefined): number | undefined {
  if (bytes === undefined || bytes.length === 0 || bytes.length > 2) return undefined
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0)
  return value === 0 ? undefined : value
}

/** Unspecified, multicast and broadcast: no one host is there. IPv4-mapped IPv6 is judged as the IPv4 it is. */
function isNobody (bytes: Uint8Array): boolean {
  const [first = 0] = bytes
  if (bytes.length === 16) {
    const isMapped = bytes.subarray(0, 10).every(byte => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
    return isMapped ? isNobody(bytes.subarray(12)) : first === 0xff || bytes.every(byte => byte === 0)
  }
  return first === 0 || first >= 224
}

function ipText (bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  return Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8 | (bytes[2 * i + 1] ?? 0)).toString(16)).join(':')
}
