import type { Liveness } from './liveness.ts'
import type { Population } from './population.ts'
import { hashOf, toUnit } from './random.ts'
import type { Tables } from './tables.ts'

/** One way over a link, milliseconds: within a continent. An RPC takes two, over a connection that is open already. */
const LINK_MS = { min: 20, max: 80 } as const

/** A network at one moment. A walk takes seconds and sessions take hours, so nobody comes or goes during a walk. */
export interface Network {
  readonly population: Population
  readonly liveness: Liveness
  readonly tables: Tables
  readonly seed: number
}

/** The same for both directions and for every message between the two. */
export function roundTripMs ({ seed }: Network, a: number, b: number): number {
  const unit = toUnit(hashOf(seed, Math.min(a, b), Math.max(a, b)))
  return 2 * (LINK_MS.min + (LINK_MS.max - LINK_MS.min) * unit)
}
