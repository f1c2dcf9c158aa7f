import { ipBytes } from '../ip.ts'
import { uintBytes } from '../rlp.ts'
import type { Secp256k1 } from '../secp256k1.ts'
import { signRecord, type Enr } from './record.ts'

/** What the record says of us; a port of 0 or an absent address is left out. */
export interface OwnAddresses {
  readonly ip?: string | undefined
  readonly ip6?: string | undefined
  readonly udp?: number | undefined
  readonly udp6?: number | undefined
  readonly tcp?: number | undefined
  readonly tcp6?: number | undefined
  readonly quic?: number | undefined
  readonly quic6?: number | undefined
  /** Version of topic discovery that the node speaks (discv5 theory, § ENR Capability). */
  readonly ng?: number | undefined
  /** Binary libp2p peer ID, when it is of another key than the record (decision 0019). */
  readonly libp2p?: Uint8Array | undefined
}

/** The node's own record: signed anew, with the next sequence number, only when what it says changes. */
export class OwnRecord {
  readonly #key: Uint8Array
  readonly #secp256k1: Secp256k1
  #addresses: OwnAddresses
  #record: Enr

  /** `last` is the record of the previous run, so that its sequence number goes on. */
  constructor (key: Uint8Array, addresses: OwnAddresses, secp256k1: Secp256k1, last?: Enr) {
    this.#key = key
    this.#secp256k1 = secp256k1
    this.#addresses = addresses
    const first = signRecord(1n, toPairs(addresses), key, secp256k1)
    const isOurs = last?.nodeId === first.nodeId
    this.#record = !isOurs ? first : saysTheSame(last, first) ? last : signRecord(last.seq + 1n, toPairs(addresses), key, secp256k1)
  }

  get current (): Enr { return this.#record }
  get addresses (): OwnAddresses { return this.#addresses }

  /** True when the record changed. */
  update (changes: OwnAddresses): boolean {
    const addresses = { ...this.#addresses, ...changes }
    const next = signRecord(this.#record.seq + 1n, toPairs(addresses), this.#key, this.#secp256k1)
    if (saysTheSame(this.#record, next)) return false
    this.#addresses = addresses
    this.#record = next
    return true
  }
}

function toPairs (addresses: OwnAddresses): Record<string, Uint8Array> {
  const pairs: Record<string, Uint8Array> = {}
  for (const [key, value] of Object.entries(addresses) as Array<[string, string | number | Uint8Array | undefined]>) {
    if (value === undefined || value === 0 || value === '') continue
    pairs[key] = typeof value === 'string' ? ipBytes(value) : typeof value === 'number' ? uintBytes(value) : value
  }
  return pairs
}

function saysTheSame (a: Enr, b: Enr): boolean {
  return a.pairs.size === b.pairs.size && [...a.pairs].every(([key, value]) => Buffer.compare(value, b.pairs.get(key) ?? Buffer.alloc(0)) === 0)
}
