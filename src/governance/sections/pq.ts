import { flag, object, operations, type Of, type OperationOf } from '../form.ts'
import { DAY_MS, must, type SectionRules } from './rules.ts'

/** From the approval of a downgrade until it may be executed. Invariant I-D7: no charter shortens it. */
export const DOWNGRADE_DELAY_MS = DAY_MS

const value = object({ require_on: flag })
export type Pq = Of<typeof value>

const OPERATIONS = { set: { values: object({ require_on: flag }) } } as const
export type PqChange = OperationOf<typeof OPERATIONS>

export const pq: SectionRules<Pq, PqChange> = {
  value,
  change: operations(OPERATIONS),
  isCanaried: true,
  check () {},
  apply (value, { values }) {
    must(values.require_on !== value.require_on, `post-quantum signatures are ${value.require_on ? 'required' : 'not required'} already`)
    return { require_on: values.require_on }
  },
}

/** Whether a change of this section gives up protection. */
export function isDowngrade ({ values }: PqChange): boolean {
  return !values.require_on
}
