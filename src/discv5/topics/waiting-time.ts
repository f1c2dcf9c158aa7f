import type { TopicParameters } from './parameters.ts'

type Parameters = Pick<TopicParameters, 'lifetimeMs' | 'capacity' | 'occupancyExponent' | 'safety'>

/** What the wait of one advertisement is computed from: the ad cache without the advertisement itself. */
export interface Crowd {
  /** `c`: advertisements held. */
  readonly held: number
  /** `c(service)`: those of the same service. */
  readonly ofService: number
  /** `score(IP)`, 0 to 1. */
  readonly ipScore: number
}

/** The parts of a wait, each bounded below by itself; the wait is their sum. Milliseconds, not rounded; all infinite in a full cache. */
export interface Wait {
  readonly serviceMs: number
  readonly ipMs: number
  readonly safetyMs: number
}
const PARTS = 3

/** discv5 theory, § Waiting-Time Function: `w(ad) = E · 1/(1 − c/C)^P_occ · (c(service)/c + score(IP) + G)`. */
export function waitingTime ({ held, ofService, ipScore }: Crowd, { lifetimeMs, capacity, occupancyExponent, safety }: Parameters): Wait {
  if (held >= capacity) return { serviceMs: Infinity, ipMs: Infinity, safetyMs: Infinity }
  const scale = lifetimeMs / (1 - held / capacity) ** occupancyExponent
  return { serviceMs: held === 0 ? 0 : scale * ofService / held, ipMs: scale * ipScore, safetyMs: scale * safety }
}

/** A part of a wait as it was told last, at most the lifetime. */
export interface Bound {
  readonly waitMs: number
  readonly at: number
}

/** What is left of a bound. The parts fall by a share of the time that passes, so that their sum improves by no more than that time: which is the rule. */
export function boundNow (bound: Bound | undefined, now: number): number {
  return bound === undefined ? 0 : Math.max(0, bound.waitMs - Math.max(0, now - bound.at) / PARTS)
}

/** How long a bound lasts at most. */
export function boundLifeMs (lifetimeMs: number): number {
  return lifetimeMs * PARTS
}

/** discv5 theory, § Waiting-Time Lower Bound: a part that is not below what is left of its bounds. `next` is to be kept. */
export function bounded (waitMs: number, leftMs: number, now: number, lifetimeMs: number): { readonly waitMs: number, readonly next: Bound } {
  const raised = Math.max(waitMs, leftMs)
  // No wait that is told is longer than the lifetime, so none needs a bound above it.
  return { waitMs: raised, next: { waitMs: Math.min(raised, lifetimeMs), at: now } }
}
