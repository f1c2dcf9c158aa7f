import { integer, list, object, oneOf, operations, type Of, type OperationOf } from '../form.ts'
import { HOUR_MS, must, mustBeDistinct, type SectionRules } from './rules.ts'

/** Writes from peers (provider records and values), or changes of the section of that name. */
const scope = oneOf('writes', 'policy', 'bootstrap')
const freeze = object({ scope, ends_at: integer(0, Number.MAX_SAFE_INTEGER) })

const value = object({ active: list(freeze, 3) })
export type Freezes = Of<typeof value>

const OPERATIONS = { freeze: { scope, duration_ms: integer(60_000, HOUR_MS) }, thaw: { scope } } as const

/** How long a freeze may last is the charter's, and the reducer checks it there. */
export const freezes: SectionRules<Freezes, OperationOf<typeof OPERATIONS>> = {
  value,
  change: operations(OPERATIONS),
  isCanaried: false,

  check ({ active }, { at }) {
    mustBeDistinct(active.map(({ scope }) => scope), 'freezes')
    must(active.every(({ ends_at: endsAt }) => endsAt - at <= HOUR_MS), 'a freeze ends within 60 minutes')
  },

  apply ({ active }, change, { at }) {
    const isFrozen = active.some(({ scope }) => scope === change.scope)
    if (change.op === 'thaw') {
      must(isFrozen, `${change.scope} is not frozen`)
      return { active: active.filter(({ scope }) => scope !== change.scope) }
    }
    must(!isFrozen, `${change.scope} is frozen already`)
    return { active: [...active, { scope: change.scope, ends_at: at + change.duration_ms }] }
  },
}
