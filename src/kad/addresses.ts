import { multiaddr, type Component as AddressPart } from '@multiformats/multiaddr'
import { MAX_ADDRESS_BYTES, MAX_PEER_ADDRESSES, MAX_PEER_RECORD_BYTES } from '../core/limits.ts'
import { diversityGroup, isPrivateIp, quotaPrefix } from '../policy/ip-group.ts'

/** `public` keeps what the internet can dial; `any` keeps private and loopback addresses too, for a LAN or a laptop. */
export type AddressScope = 'public' | 'any'

const IP_PARTS: ReadonlySet<string> = new Set(['ip4', 'ip6'])
const HOST_PARTS: ReadonlySet<string> = new Set(['ip4', 'ip6', 'dns', 'dns4', 'dns6', 'dnsaddr'])

/**
 * The usable ones among addresses that somebody claims for `peerId`: well-formed, naming a host, in scope, nobody else's, without
 * a closing /p2p, each once, no more than 16 and 8 KiB. The order is kept.
 */
export function usableAddresses (claimed: readonly Uint8Array[], peerId: string, scope: AddressScope): Uint8Array[] {
  const usable: Uint8Array[] = []
  let room = MAX_PEER_RECORD_BYTES
  for (const bytes of claimed) {
    if (usable.length === MAX_PEER_ADDRESSES) break
    const address = usableAddress(bytes, peerId, scope)
    if (address === undefined || address.byteLength > room) continue
    if (usable.some(other => Buffer.compare(other, address) === 0)) continue
    room -= address.byteLength
    usable.push(address)
  }
  return usable
}

/** The text of an address that was checked before. */
export function toAddressText (bytes: Uint8Array): string {
  return multiaddr(bytes).toString()
}

/** False for an address that this scope neither dials nor tells: whoever names it could have us knock inside our own network. */
export function isInScope (text: string, scope: AddressScope): boolean {
  return scope === 'any' || !isPrivateIp(ipOfAddress(text) ?? '')
}

/** The IP of an address, or undefined when it names a host in another way. */
export function ipOfAddress (text: string): string | undefined {
  return multiaddr(text).getComponents().find(({ name }) => IP_PARTS.has(name))?.value
}

/** The distinct diversity groups of a peer's addresses; private ones are exempt and give none. */
export function groupsOfAddresses (texts: readonly string[]): string[] {
  return distinct(texts, diversityGroup)
}

/** The distinct quota prefixes of a peer's addresses. */
export function prefixesOfAddresses (texts: readonly string[]): string[] {
  return distinct(texts, quotaPrefix)
}

function usableAddress (bytes: Uint8Array, peerId: string, scope: AddressScope): Uint8Array | undefined {
  if (bytes.byteLength > MAX_ADDRESS_BYTES) return undefined
  let parts: AddressPart[]
  try {
    parts = multiaddr(bytes).getComponents()
  } catch {
    return undefined // malformed: as good as not there
  }
  const host = parts[0]
  if (host === undefined || !HOST_PARTS.has(host.name) || parts.length < 2) return undefined
  if (scope === 'public' && IP_PARTS.has(host.name) && isPrivateIp(host.value ?? '')) return undefined
  if (scope === 'public' && /(^|\.)(localhost|local|internal|lan|home\.arpa)\.?$/i.test(host.value ?? '')) return undefined

  const last = parts.at(-1)
  if (last?.name !== 'p2p') return bytes
  if (last.value !== peerId) return undefined
  return multiaddr(parts.slice(0, -1)).bytes
}

function distinct (texts: readonly string[], toGroup: (ip: string) => string | undefined): string[] {
  const groups = texts.map(text => toGroup(ipOfAddress(text) ?? '')).filter(group => group !== undefined)
  return [...new Set(groups)]
}
