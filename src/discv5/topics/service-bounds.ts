import { bounded, boundLifeMs, boundNow, type Bound } from './waiting-time.ts'

/** How long those were told to wait who asked for a service of which advertisements are held. Kept until the bound is over. */
export class ServiceBounds {
  readonly #lifetimeMs: number
  readonly #isHeld: (service: string) => boolean
  /** Bounded: services held, and those that were within the life of a bound. */
  readonly #bounds = new Map<string, Bound>()
  /** Services that left, the first first. Bounded as the bounds are. */
  readonly #leaving: Array<{ readonly service: string, readonly until: number }> = []

  constructor ({ lifetimeMs }: { readonly lifetimeMs: number }, isHeld: (service: string) => boolean) {
    this.#lifetimeMs = lifetimeMs
    this.#isHeld = isHeld
  }

  get size (): number { return this.#bounds.size }

  /** The wait for `service`, not below what was told. Nothing is kept of a service of which nothing is held. */
  bounded (service: string, waitMs: number, now: number): number {
    const { waitMs: raised, next } = bounded(waitMs, boundNow(this.#bounds.get(service), now), now, this.#lifetimeMs)
    if (this.#isHeld(service)) this.#bounds.set(service, next)
    return raised
  }

  /** Nothing is held of it any more. */
  left (service: string, now: number): void {
    if (this.#bounds.has(service)) this.#leaving.push({ service, until: now + boundLifeMs(this.#lifetimeMs) })
  }

  prune (now: number): void {
    const staying = this.#leaving.findIndex(({ until }) => until > now)
    for (const { service } of this.#leaving.splice(0, staying < 0 ? this.#leaving.length : staying)) {
      if (!this.#isHeld(service) && boundNow(this.#bounds.get(service), now) === 0) this.#bounds.delete(service)
    }
  }
}
