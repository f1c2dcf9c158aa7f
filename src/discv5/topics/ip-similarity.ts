import { isPrivateIp } from '../../policy/ip-group.ts'
import { ipBytes } from '../ip.ts'
import { IpTree } from './ip-tree.ts'

/** A /64 of IPv6 is what one host is given: what it does with the rest says nothing of who it is. */
const IPV6_BITS = 64

/** The trees of both families, each with a root of its own. Private addresses are in neither: a LAN, or a test network, is one prefix. */
export class IpSimilarity {
  readonly #trees: { readonly 4: IpTree, readonly 6: IpTree }

  constructor (lifetimeMs: number) {
    this.#trees = { 4: new IpTree({ bits: 32, lifetimeMs }), 6: new IpTree({ bits: IPV6_BITS, lifetimeMs }) }
  }

  add (ip: string, now: number): void { this.#treeOf(ip)?.add(ipBytes(ip), now) }
  remove (ip: string, now: number): void { this.#treeOf(ip)?.remove(ipBytes(ip), now) }

  /** 0 to 1. `without` is an address that does not count once. */
  score (ip: string, without?: string): number {
    const tree = this.#treeOf(ip)
    return tree?.score(ipBytes(ip), without !== undefined && this.#treeOf(without) === tree ? ipBytes(without) : undefined) ?? 0
  }

  bounded (ip: string, waitMs: number, now: number): number {
    return this.#treeOf(ip)?.bounded(ipBytes(ip), waitMs, now) ?? waitMs
  }

  prune (now: number): void {
    this.#trees[4].prune(now)
    this.#trees[6].prune(now)
  }

  #treeOf (ip: string): IpTree | undefined {
    return isPrivateIp(ip) ? undefined : this.#trees[ip.includes(':') ? 6 : 4]
  }
}
