import { integer, list, object, oneOf, operations, optional, text, type Of, type OperationOf } from '../form.ts'
import { DAY_MS, HOUR_MS, must, mustBeDistinct, type SectionRules } from './rules.ts'

/** An override ends by itself after this at the latest. */
const MAX_OVERRIDE_MS = 7 * DAY_MS
const MAX_OVERRIDES = 64

const id = text(64, /^[\w.-]+$/)
/** What it loosens: the TTL of providers, or whether a peer is let in or kept out. */
const kind = oneOf('provider-ttl', 'allow-peer', 'deny-peer')
const what = { id, kind, peer_id: optional(text(128, /^[1-9A-HJ-NP-Za-km-z]{8,}$/)), ttl_ms: optional(integer(1_000, 7 * 24 * HOUR_MS)) }
const override = object({ ...what, ends_at: integer(0, Number.MAX_SAFE_INTEGER) })

const value = object({ active: list(override, MAX_OVERRIDES) })
export type Overrides = Of<typeof value>

const OPERATIONS = { grant: { override: object(what), duration_ms: integer(60_000, Number.MAX_SAFE_INTEGER) }, end: { id } } as const
export type OverridesChange = OperationOf<typeof OPERATIONS>

export const overrides: SectionRules<Overrides, OverridesChange> = {
  value,
  change: operations(OPERATIONS),
  isCanaried: false,

  check ({ active }, { at }) {
    mustBeDistinct(active.map(({ id }) => id), 'overrides')
    must(active.every(({ ends_at: endsAt }) => endsAt - at <= MAX_OVERRIDE_MS), 'an override ends within 7 days')
    for (const { kind, peer_id: peerId, ttl_ms: ttlMs } of active) {
      const isWhole = kind === 'provider-ttl' ? ttlMs !== undefined && peerId === undefined : peerId !== undefined && ttlMs === undefined
      must(isWhole, `an override of ${kind} names ${kind === 'provider-ttl' ? 'ttl_ms' : 'peer_id'} and nothing else`)
    }
  },

  apply ({ active }, change, { at }) {
    if (change.op === 'end') {
      must(active.some(({ id }) => id === change.id), 'no such override')
      return { active: active.filter(({ id }) => id !== change.id) }
    }
    const { override, duration_ms: durationMs } = change
    must(durationMs <= MAX_OVERRIDE_MS, 'an override ends within 7 days')
    must(active.length < MAX_OVERRIDES, `at most ${MAX_OVERRIDES} overrides at once`)
    return { active: [...active, { ...override, ends_at: at + durationMs }] }
  },
}
