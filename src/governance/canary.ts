import { digestOf } from './digest.ts'

/** Of 1000: the part of the daemons, or of the requests of one, that a canary tries a change on. */
const CANARY_PERMILLE = 100

/** What a canary watches. Ratios are 0 to 1. */
export interface Signals { readonly lookupP95Ms: number, readonly rejectRatio: number, readonly isReady: boolean }

const SLO_P95_MS = 500
/** How much worse than before is still green. */
const SLOWER = 1.5
const MORE_REJECTED = 0.05

/** Whether a unit (a daemon, or a request of a lone one) is in the canary. Each proposal draws its own tenth. */
export function isAllotted (unit: string, proposalId: string, permille = CANARY_PERMILLE): boolean {
  return Number.parseInt(digestOf('allotment', [unit, proposalId]).slice(0, 8), 16) % 1000 < permille
}

/** Why a canary is red, against the signals from before it; undefined while it is green. What cannot be measured is red. */
export function findRed (baseline: Signals, now: Signals): string | undefined {
  if (!now.isReady) return 'not ready'
  if (!(now.lookupP95Ms <= Math.max(SLO_P95_MS, baseline.lookupP95Ms * SLOWER))) return 'lookups are slower'
  if (!(now.rejectRatio <= baseline.rejectRatio + MORE_REJECTED)) return 'more is rejected'
  return undefined
}
