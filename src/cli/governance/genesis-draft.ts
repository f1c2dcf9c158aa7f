import type { Actor } from '../../governance/actor.ts'
import type { Windows } from '../../governance/sections/charter.ts'
import type { Genesis } from '../../governance/statement.ts'
import { apply, sectionDigest, type Sections, type State } from '../../governance/state.ts'
import { usageFailure } from '../failure.ts'
import { parseChange } from './change.ts'

export interface DraftOptions {
  readonly quorum?: number
  readonly emergencyQuorum?: number
  readonly recoveryThreshold?: number
  readonly profile?: 'macronode' | 'micronode'
  readonly reducedUntil?: string
  readonly lapse?: number
  readonly canary?: number
  readonly freeze?: number
  readonly businessHours?: string
  readonly set?: readonly string[]
}

interface Founding { readonly actors: readonly Actor[], readonly recovery: readonly Actor[], readonly networkId: string, readonly now: number }

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const NO_RULES = { peers: [], prefixes: [], asns: [], countries: [] }

/** What the daemon's settings have where nobody says otherwise; a test holds them together. */
export const DEFAULT_SECTIONS: Omit<Sections, 'charter'> = {
  members: { mode: 'off', nodes: [] },
  network: { concurrency: 10, disjoint_paths: 2, lookup_deadline_ms: 25_000, rpcs_per_peer_per_second: 500, rpcs_per_prefix_per_second: 2000 },
  providers: { ttl_ms: 24 * HOUR_MS, records: 1_000_000, records_per_peer: 100_000, records_per_prefix: 300_000, records_per_key: 1000 },
  policy: { profile: 'standard', allow: NO_RULES, deny: NO_RULES },
  bootstrap: { seeds: [] },
  pq: { require_on: false },
  overrides: { active: [] },
  freezes: { active: [] },
}

/** A genesis for these people. Whether it is legal the rules say. @throws {Failure} usage for options that say nothing */
export function draftGenesis ({ actors, recovery, networkId, now }: Founding, options: DraftOptions): Genesis {
  const { quorum = 2, emergencyQuorum, recoveryThreshold = Math.min(2, recovery.length), profile = 'macronode', set = [] } = options
  if (actors.length === 0) throw usageFailure('It names nobody.', 'Give each actor’s public key with --actor FILE.')
  if (recovery.length === 0) throw usageFailure('There is no recovery set.', 'Give its public keys with --recovery FILE: without it, a lost quorum is lost for good.')
  const founded: State = {
    schema: 'svc-dht/governance/state/1',
    network_id: networkId,
    epoch: 0,
    sections: {
      ...DEFAULT_SECTIONS,
      charter: {
        profile,
        actors,
        quorum,
        ...(emergencyQuorum !== undefined && { emergency_quorum: emergencyQuorum }),
        ...(options.reducedUntil !== undefined && { reduced_until: toTime(options.reducedUntil) }),
        windows: windowsOf(options),
        recovery: { threshold: recoveryThreshold, keys: recovery },
      },
    },
  }
  const state = set.map(parseChange).reduce((state, { section, change }) => apply(state, { section, baseDigest: sectionDigest(state, section), change, at: now }), founded)
  return { schema: 'svc-dht/governance/genesis/1', created_at: now, state: { ...state, epoch: 0 } }
}

/** @throws {Failure} usage */
export function windowsOf ({ profile, lapse = 24 * HOUR_MS, canary = 10 * MINUTE_MS, freeze, businessHours }: DraftOptions): Windows {
  return {
    lapse_ms: lapse,
    canary_ms: canary,
    freeze_ms: freeze ?? (profile === 'micronode' ? HOUR_MS / 2 : HOUR_MS),
    ...(businessHours !== undefined && { calendar: toCalendar(businessHours) }),
  }
}

/** @throws {Failure} usage for text that is no time in UTC */
export function toTime (text: string): number {
  const time = /Z$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) throw usageFailure(`This is no time: ${text}`, 'Write it in UTC, as 2030-01-01T00:00Z.')
  return time
}

function toCalendar (text: string): NonNullable<Windows['calendar']> {
  const [, first, last, from, to] = /^([1-7])-([1-7]):(\d{1,2})-(\d{1,2})$/.exec(text) ?? []
  if (first === undefined || Number(first) > Number(last)) throw usageFailure(`These are no business hours: ${text}`, 'Write days and hours in UTC, as 1-5:9-17 for Monday to Friday.')
  const weekdays = Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => Number(first) + i)
  return { weekdays, from_hour: Number(from), to_hour: Number(to) }
}
