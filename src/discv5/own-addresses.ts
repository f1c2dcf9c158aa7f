import type { Endpoint } from './engine.ts'
import type { OwnAddresses } from './enr/own-record.ts'
import type { Enr } from './enr/record.ts'
import { familyOf } from './ip.ts'

/** A socket there does not know its own address: what others see decides. */
const EVERYWHERE = { 4: '0.0.0.0', 6: '::' } as const

interface Place {
  readonly listening: readonly Endpoint[]
  /** What the operator gave; never overridden by what others see. */
  readonly external: OwnAddresses
}

/** What the own record says at a start: where the sockets are, what libp2p adds, and what the operator says instead. */
export function addressesAtStart ({ listening, external }: Place, libp2p: OwnAddresses = {}): OwnAddresses {
  const [v4, v6] = [4, 6].map(family => listening.find(({ ip }) => familyOf(ip) === family))
  return {
    ip: v4?.ip === EVERYWHERE[4] ? undefined : v4?.ip,
    ip6: v6?.ip === EVERYWHERE[6] ? undefined : v6?.ip,
    udp: v4?.port,
    udp6: v6?.port,
    ...libp2p,
    ...external,
  }
}

/**
 * The address that others agreed on in the run before, where we do not know our own: most restarts are at the same place, and a record
 * without an address is told to nobody. The votes are not kept. They lapse within minutes, and if we moved new ones say so as they would to a
 * node that never had an address. `last` is a record of our own key.
 */
export function agreedBefore (last: Enr, { listening, external }: Place): OwnAddresses {
  const families = ([4, 6] as const).filter(family => listening.some(({ ip }) => ip === EVERYWHERE[family]))
  const seen = families.map(family => last.endpoints().find(({ ip }) => familyOf(ip) === family))
  return Object.assign({}, ...seen.map(endpoint => endpoint && agreedOn(endpoint, external)))
}

/** What changes when others see us there: nothing in a family whose address the operator gave. */
export function agreedOn ({ ip, port }: Endpoint, external: OwnAddresses): OwnAddresses {
  if (familyOf(ip) === 4) return external.ip === undefined ? { ip, udp: external.udp ?? port } : {}
  return external.ip6 === undefined ? { ip6: ip, udp6: external.udp6 ?? port } : {}
}
