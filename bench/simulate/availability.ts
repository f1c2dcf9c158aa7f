import { settings } from '../../src/config/settings.ts'
import { randomLivePeer } from './lookups.ts'
import type { Network } from './network.ts'
import { randomId } from './population.ts'
import { hashOf, Random } from './random.ts'
import type { ParameterSet, World } from './scenarios.ts'
import { HOUR_MS, type Sessions } from './sessions.ts'
import { walk } from './walk.ts'

/** When a provider announces, and how long a holder serves what it was told. */
export interface AnnouncePolicy {
  readonly name: string
  readonly everyMs: number
  readonly validityMs: number
}

const OUR_EVERY_MS = 24 * HOUR_MS * settings.providers.republishFraction.fallback / 100

const POLICIES: readonly AnnouncePolicy[] = [
  // Held for 48 h: with a validity of 24 h there would be nothing to find at the end.
  { name: 'announced once', everyMs: Number.POSITIVE_INFINITY, validityMs: 48 * HOUR_MS },
  // IPFS kad-dht specification: republish every 22 h, records are valid for 48 h.
  { name: 'every 22 h', everyMs: 22 * HOUR_MS, validityMs: 48 * HOUR_MS },
  { name: 'every 10.8 h', everyMs: OUR_EVERY_MS, validityMs: 24 * HOUR_MS },
]

export const PROBES_MS: readonly number[] = [0, 3, 6, 9, 12, 15, 18, 21, 24].map(hours => hours * HOUR_MS)

export interface Availability {
  readonly policy: AnnouncePolicy
  /** Whether holders still have their records after they were offline (macronode), or lose them (micronode). */
  readonly keepsRecords: boolean
  /** Percent of lookups that found a live holder, one for each probe. */
  readonly found: readonly number[]
}

export interface AvailabilityFigures {
  readonly availability: readonly Availability[]
  /** Of the first announcement's holders, how many are online at each probe, on average. Probe-lab RFM 17 counted 12 of 20 after a day. */
  readonly holdersOnline: readonly number[]
}

interface Announcement { readonly atMs: number, readonly holders: ReadonlySet<number> }

/**
 * Records of `keys` providers who stay online themselves. All policies share their announcements and all share the lookups, so
 * that they differ by nothing but the policy.
 */
export function measureAvailability (world: World, { shape, rules }: ParameterSet, keys: number, seed: number): AvailabilityFigures {
  const lastMs = PROBES_MS[PROBES_MS.length - 1] as number
  const networks = new Map([...announceTimes(POLICIES, lastMs), ...PROBES_MS].map(atMs => [atMs, world.networkAt(shape, atMs)]))
  const variants = POLICIES.flatMap(policy => [true, false].map(keepsRecords => ({ policy, keepsRecords, found: PROBES_MS.map(() => 0) })))
  const holdersOnline = PROBES_MS.map(() => 0)
  for (let key = 0; key < keys; key++) {
    const random = new Random(hashOf(seed, key))
    const target = randomId(random)
    const networkAt = (atMs: number): Network => networks.get(atMs) ?? world.networkAt(shape, atMs)
    const provider = randomLivePeer(networkAt(0), random)
    const announcements = announceTimes(POLICIES, lastMs).map(atMs => ({ atMs, holders: new Set(walk(networkAt(atMs), rules, provider, target).closest) }))
    for (const [probe, atMs] of PROBES_MS.entries()) {
      const network = networkAt(atMs)
      const answered = walk(network, rules, randomLivePeer(network, random), target).answers.map(({ peer }) => peer)
      for (const { policy, keepsRecords, found } of variants) {
        const valid = announcements.filter(({ atMs: announcedMs }) => isValid(policy, announcedMs, atMs))
        if (answered.some(peer => holds(valid, peer, atMs, keepsRecords, world.sessions))) found[probe] = (found[probe] ?? 0) + 1
      }
      const online = [...announcements[0]?.holders ?? []].filter(peer => world.sessions.isOnline(peer, atMs)).length
      holdersOnline[probe] = (holdersOnline[probe] ?? 0) + online
    }
  }
  return {
    availability: variants.map(variant => ({ ...variant, found: variant.found.map(count => 100 * count / keys) })),
    holdersOnline: holdersOnline.map(count => count / keys),
  }
}

/** Every moment at which some policy announces, in order. */
function announceTimes (policies: readonly AnnouncePolicy[], lastMs: number): number[] {
  const times = new Set([0])
  for (const { everyMs } of policies) {
    for (let atMs = everyMs; atMs < lastMs; atMs += everyMs) times.add(atMs)
  }
  return [...times].sort((a, b) => a - b)
}

/** Whether the policy announced then, and a holder still serves it. */
function isValid ({ everyMs, validityMs }: AnnouncePolicy, announcedMs: number, atMs: number): boolean {
  const isOfPolicy = announcedMs === 0 || announcedMs % everyMs === 0
  return isOfPolicy && announcedMs <= atMs && atMs < announcedMs + validityMs
}

function holds (announcements: readonly Announcement[], peer: number, atMs: number, keepsRecords: boolean, sessions: Sessions): boolean {
  const sinceMs = keepsRecords ? Number.NEGATIVE_INFINITY : sessions.onlineSince(peer, atMs) ?? Number.POSITIVE_INFINITY
  return announcements.some(announcement => announcement.atMs >= sinceMs && announcement.holders.has(peer))
}
