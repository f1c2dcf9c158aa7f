import { integer, object, operations, optional, type Of, type OperationOf } from '../form.ts'
import { must, type SectionRules } from './rules.ts'

const concurrency = integer(1, 20)
const deadline = integer(100, 28_000)
const rate = integer(1, 1_000_000)

/** The bounds are those of the settings with the same names. */
const value = object({
  /** RPCs that a lookup keeps in flight on each path, α. */
  concurrency,
  disjoint_paths: concurrency,
  lookup_deadline_ms: deadline,
  rpcs_per_peer_per_second: rate,
  rpcs_per_prefix_per_second: rate,
})
export type Network = Of<typeof value>

const OPERATIONS = {
  set: {
    values: object({
      concurrency: optional(concurrency),
      disjoint_paths: optional(concurrency),
      lookup_deadline_ms: optional(deadline),
      rpcs_per_peer_per_second: optional(rate),
      rpcs_per_prefix_per_second: optional(rate),
    }),
  },
} as const

export const network: SectionRules<Network, OperationOf<typeof OPERATIONS>> = {
  value,
  change: operations(OPERATIONS),
  isCanaried: true,
  check ({ rpcs_per_peer_per_second: perPeer, rpcs_per_prefix_per_second: perPrefix }) {
    must(perPeer <= perPrefix, 'a peer may not have a higher ceiling than its prefix')
  },
  apply (value, { values }) {
    must(Object.keys(values).length > 0, 'nothing to set')
    return { ...value, ...values }
  },
}
