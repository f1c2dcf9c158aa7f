import type { Enr } from '../enr/record.ts'

/** An advertisement that was admitted. */
export interface Ad {
  readonly service: string
  readonly record: Enr
  /** Where its registration came from. */
  readonly ip: string
  readonly admittedAt: number
  readonly expiresAt: number
}

interface Held extends Ad {
  /** Its place among those of its service. */
  place: number
}

/** discv5 theory, § Ad Cache: at most one advertisement of an advertiser and service, `capacity` in all. Time and randomness are passed in. */
export class AdCache {
  readonly #capacity: number
  readonly #lifetimeMs: number
  /** Bounded by `capacity`. All live equally long, so the first is the next to end. */
  readonly #ads = new Map<string, Held>()
  /** The same ones by service. */
  readonly #services = new Map<string, Held[]>()

  constructor ({ capacity, lifetimeMs }: { readonly capacity: number, readonly lifetimeMs: number }) {
    this.#capacity = capacity
    this.#lifetimeMs = lifetimeMs
  }

  get size (): number { return this.#ads.size }
  get services (): number { return this.#services.size }

  count (service: string): number { return this.#services.get(service)?.length ?? 0 }

  get (service: string, nodeId: string): Ad | undefined { return this.#ads.get(keyOf(service, nodeId)) }

  /** Takes the place of the advertiser's ad of this service, if there is one; else undefined when there is no room. */
  admit (service: string, record: Enr, ip: string, now: number): Ad | undefined {
    const key = keyOf(service, record.nodeId)
    const before = this.#ads.get(key)
    if (before === undefined && this.#ads.size >= this.#capacity) return undefined
    if (before !== undefined) this.#remove(before)
    const ofService = this.#services.get(service) ?? []
    const ad: Held = { service, record, ip, admittedAt: now, expiresAt: now + this.#lifetimeMs, place: ofService.length }
    ofService.push(ad)
    this.#services.set(service, ofService)
    this.#ads.set(key, ad)
    return ad
  }

  /** Takes out those whose time is over, and returns them. Looks at one that stays, at most. */
  expire (now: number): Ad[] {
    const over: Ad[] = []
    for (const ad of this.#ads.values()) {
      if (ad.expiresAt > now) break
      this.#remove(ad)
      over.push(ad)
    }
    return over
  }

  /** Takes out those of nodes that are gone, and returns them. */
  removeAll (isGone: (ad: Ad) => boolean): Ad[] {
    const gone = [...this.#ads.values()].filter(isGone)
    for (const ad of gone) this.#remove(ad)
    return gone
  }

  /** At most `limit` of a service, each as likely as any other. To be called after `expire`. */
  sample (service: string, limit: number, random: () => number): Ad[] {
    const ofService = this.#services.get(service) ?? []
    const chosen = new Set<number>()
    // Floyd's choice: as many draws as results, however many are held.
    for (let top = Math.max(0, ofService.length - limit); top < ofService.length; top++) {
      const drawn = Math.floor(random() * (top + 1))
      chosen.add(chosen.has(drawn) ? top : drawn)
    }
    return [...chosen].map(place => ofService[place] as Held)
  }

  #remove (ad: Held): void {
    this.#ads.delete(keyOf(ad.service, ad.record.nodeId))
    const ofService = this.#services.get(ad.service) ?? []
    const last = ofService.pop()
    if (last !== undefined && last !== ad) {
      ofService[ad.place] = last
      last.place = ad.place
    }
    if (ofService.length === 0) this.#services.delete(ad.service)
  }
}

function keyOf (service: string, nodeId: string): string {
  return service + nodeId
}
