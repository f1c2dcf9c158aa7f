import { bounded, boundLifeMs, boundNow, type Bound } from './waiting-time.ts'

/** A prefix. It is live while an advertisement of it is held; afterwards it stays until its bound is over. */
interface Vertex {
  count: number
  bound: Bound | undefined
  readonly children: [Vertex | undefined, Vertex | undefined]
}

interface Options {
  /** Levels below the root. */
  readonly bits: number
  readonly lifetimeMs: number
}

/**
 * discv5 theory, § IP Similarity Tree: how many advertisements are held of each prefix, and how long those who asked were told to wait. Bounded:
 * `bits` prefixes for each address that is held, or was within the life of a bound.
 */
export class IpTree {
  readonly #bits: number
  readonly #lifetimeMs: number
  readonly #root: Vertex = { count: 0, bound: undefined, children: [undefined, undefined] }
  /** Addresses that were removed, the first first, by when their bounds are over. */
  readonly #leaving: Array<{ readonly ip: Uint8Array, readonly until: number }> = []

  constructor ({ bits, lifetimeMs }: Options) {
    this.#bits = bits
    this.#lifetimeMs = lifetimeMs
  }

  add (ip: Uint8Array, now: number): void {
    this.#root.count++
    let at = this.#root
    for (let level = 0; level < this.#bits; level++) {
      const child: Vertex = at.children[bitOf(ip, level)] ??= { count: 0, bound: undefined, children: [undefined, undefined] }
      // Who was told to wait at the shorter prefix is looked for at the longer one from now on.
      if (child.count === 0 && boundNow(child.bound, now) < boundNow(at.bound, now)) child.bound = at.bound
      child.count++
      at = child
    }
  }

  /** Of an address that was added. */
  remove (ip: Uint8Array, now: number): void {
    for (const vertex of [this.#root, ...this.#path(ip)]) vertex.count--
    this.#leaving.push({ ip, until: now + boundLifeMs(this.#lifetimeMs) })
  }

  /** 0 to 1: the share of prefixes of `ip` that hold more than they would in a balanced tree. `without` is an address that does not count once. */
  score (ip: Uint8Array, without?: Uint8Array): number {
    const total = this.#root.count - (without === undefined ? 0 : 1)
    let isShared = without !== undefined
    let over = 0
    for (const [level, { count }] of this.#path(ip).entries()) {
      isShared &&= bitOf(without as Uint8Array, level) === bitOf(ip, level)
      if (count - (isShared ? 1 : 0) > total / 2 ** (level + 1)) over++
    }
    return over / this.#bits
  }

  /** The wait of `ip`, not below what was told to its longest live prefix, or to one that was longer. No prefix is made for it. */
  bounded (ip: Uint8Array, waitMs: number, now: number): number {
    let live = this.#root
    let leftMs = boundNow(live.bound, now)
    for (const vertex of this.#path(ip)) {
      if (vertex.count > 0) {
        live = vertex
        leftMs = 0
      }
      leftMs = Math.max(leftMs, boundNow(vertex.bound, now))
    }
    const { waitMs: raised, next } = bounded(waitMs, leftMs, now, this.#lifetimeMs)
    live.bound = next
    return raised
  }

  /** Forgets prefixes of which nothing is held and whose bounds are over. */
  prune (now: number): void {
    const staying = this.#leaving.findIndex(({ until }) => until > now)
    for (const { ip } of this.#leaving.splice(0, staying < 0 ? this.#leaving.length : staying)) this.#forget(ip, now)
  }

  /** Prefixes known, the root among them. */
  get size (): number { return sizeOf(this.#root) }

  /** The known prefixes of `ip`, the shortest first, without the root. */
  #path (ip: Uint8Array): Vertex[] {
    const path: Vertex[] = []
    let at: Vertex | undefined = this.#root
    for (let level = 0; level < this.#bits; level++) {
      at = at.children[bitOf(ip, level)]
      if (at === undefined) break
      path.push(at)
    }
    return path
  }

  #forget (ip: Uint8Array, now: number): void {
    const path = this.#path(ip)
    for (let level = path.length - 1; level >= 0; level--) {
      const { count, bound, children } = path[level] as Vertex
      if (count > 0 || boundNow(bound, now) > 0 || children.some(child => child !== undefined)) return
      const parent = path[level - 1] ?? this.#root
      parent.children[bitOf(ip, level)] = undefined
    }
  }
}

function sizeOf ({ children }: Vertex): number {
  return children.reduce((sum, child) => sum + (child === undefined ? 0 : sizeOf(child)), 1)
}

function bitOf (ip: Uint8Array, level: number): 0 | 1 {
  return ((ip[level >> 3] as number) >> (7 - level % 8) & 1) as 0 | 1
}
