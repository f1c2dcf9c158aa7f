import { actor, rawKeys, type Actor } from '../actor.ts'
import { integer, list, object, oneOf, operations, optional, text, type Of, type OperationOf } from '../form.ts'
import { DAY_MS, HOUR_MS, must, mustBeDistinct, type SectionRules } from './rules.ts'

const MAX_ACTORS = 64
/** A quorum of one is for a while: a micronode's owner and security officer, RESOLUTIONS 14. */
const MAX_REDUCED_MS = 90 * DAY_MS
const MAX_FREEZE_MS = { macronode: HOUR_MS, micronode: HOUR_MS / 2 } as const

const count = integer(1, MAX_ACTORS)
const windows = object({
  /** A proposal without quorum lapses after this, of business time where a calendar is given. */
  lapse_ms: integer(HOUR_MS, 7 * DAY_MS),
  canary_ms: integer(60_000, DAY_MS),
  freeze_ms: integer(60_000, HOUR_MS),
  /** Business hours in UTC: ISO weekdays (Monday 1) and whole hours. */
  calendar: optional(object({ weekdays: list(integer(1, 7), 7), from_hour: integer(0, 23), to_hour: integer(1, 24) })),
})
export type Windows = Of<typeof windows>

const value = object({
  profile: oneOf('macronode', 'micronode'),
  actors: list(actor, MAX_ACTORS),
  quorum: count,
  emergency_quorum: optional(count),
  /** Until when a quorum of one holds. */
  reduced_until: optional(integer(0, Number.MAX_SAFE_INTEGER)),
  windows,
  /** Offline keys that can set a new charter when the quorum is lost. */
  recovery: object({ threshold: count, keys: list(actor, MAX_ACTORS) }),
})
export type Charter = Of<typeof value>

const OPERATIONS = {
  'add-actor': { actor },
  'revoke-actor': { actor_id: text(64) },
  /** The actor's new keys; the old ones stay listed as revoked. */
  'rotate-actor': { actor_id: text(64), actor },
  /** All of its values at once: one that is not named is not there afterwards. */
  'set-quorum': { values: object({ quorum: count, emergency_quorum: optional(count), reduced_until: optional(integer(0, Number.MAX_SAFE_INTEGER)) }) },
  'set-windows': { windows },
  'set-recovery': { recovery: object({ threshold: count, keys: list(actor, MAX_ACTORS) }) },
  /** Recovery only: all actors and the quorum at once. */
  reconstitute: { actors: list(actor, MAX_ACTORS), quorum: count },
} as const
export type CharterChange = OperationOf<typeof OPERATIONS>

/** Who is an approver: active security signers, and in a micronode its owner. */
export function approversOf ({ actors, profile }: Charter): readonly Actor[] {
  return actors.filter(({ role, status }) => status === 'active' && (role === 'security' || (profile === 'micronode' && role === 'owner')))
}

/** `ceil(M/2)+1` of M approvers, never below the quorum nor above M, RESOLUTIONS 4; or what the charter says. */
export function emergencyQuorumOf (charter: Charter): number {
  const approvers = approversOf(charter).length
  return charter.emergency_quorum ?? Math.min(Math.max(Math.ceil(approvers / 2) + 1, charter.quorum), approvers)
}

/** The quorum now: a reduced one ends by itself. */
export function quorumOf ({ quorum, reduced_until: reducedUntil }: Charter, at: number): number {
  return quorum === 1 && (reducedUntil === undefined || at >= reducedUntil) ? 2 : quorum
}

export const charter: SectionRules<Charter, CharterChange> = {
  value,
  change: operations(OPERATIONS),
  isCanaried: false,

  check (value, { at }) {
    const { actors, quorum, recovery, reduced_until: reducedUntil, profile, windows } = value
    const listed = [...actors, ...recovery.keys]
    mustBeDistinct(listed.map(({ id }) => id), 'actors')
    mustBeDistinct(listed.flatMap(rawKeys), 'keys of actors and of the recovery set')
    const approvers = approversOf(value).length
    must(approvers >= quorum, `a quorum of ${quorum} cannot be reached by ${approvers} approvers`)
    must(emergencyQuorumOf(value) >= quorum, 'the emergency quorum must not be below the quorum')
    must(emergencyQuorumOf(value) <= approvers, `the emergency quorum cannot be reached by ${approvers} approvers`)
    must(recovery.threshold <= recovery.keys.length && recovery.threshold >= Math.min(2, recovery.keys.length), 'the recovery threshold must be 2 or more, and reachable')
    must(recovery.keys.every(({ status }) => status === 'active'), 'a recovery key cannot be listed as revoked')
    must(windows.freeze_ms <= MAX_FREEZE_MS[profile], `a freeze lasts at most ${MAX_FREEZE_MS[profile] / 60_000} minutes in a ${profile}`)
    const { calendar } = windows
    if (calendar !== undefined) must(calendar.weekdays.length > 0 && calendar.from_hour < calendar.to_hour, 'a calendar needs a day and an hour')
    if (quorum > 1) return must(reducedUntil === undefined, 'only a quorum of one is reduced')
    must(profile === 'micronode', 'a quorum of one is for micronodes only')
    must(approvers >= 2, 'a quorum of one needs a second approver, who takes over when it ends')
    must(reducedUntil !== undefined && reducedUntil - at <= MAX_REDUCED_MS, 'a quorum of one must end within 90 days')
  },

  apply (value, change) {
    const { profile, actors, windows, recovery } = value
    const mustBeActive = (id: string): void => must(actors.some(actor => actor.id === id && actor.status === 'active'), 'no such active actor')
    const mustBeNew = ({ id, status }: Actor): void => {
      must(!actors.some(actor => actor.id === id), 'the actor is listed already')
      must(status === 'active', 'a new actor must be active')
    }
    const revoked = (id: string): readonly Actor[] => actors.map(actor => actor.id === id ? { ...actor, status: 'revoked' } : actor)
    switch (change.op) {
      case 'add-actor':
        mustBeNew(change.actor)
        return { ...value, actors: [...actors, change.actor] }
      case 'revoke-actor':
        mustBeActive(change.actor_id)
        return { ...value, actors: revoked(change.actor_id) }
      case 'rotate-actor':
        mustBeActive(change.actor_id)
        mustBeNew(change.actor)
        must(actors.some(({ id, role }) => id === change.actor_id && role === change.actor.role), 'a rotation keeps the role')
        return { ...value, actors: [...revoked(change.actor_id), change.actor] }
      case 'set-quorum': return { profile, actors, windows, recovery, ...change.values }
      case 'set-windows': return { ...value, windows: change.windows }
      case 'set-recovery': return { ...value, recovery: change.recovery }
      case 'reconstitute': return { profile, windows, recovery, actors: change.actors, quorum: change.quorum }
    }
  },
}
