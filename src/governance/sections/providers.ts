import { integer, object, operations, optional, type Of, type OperationOf } from '../form.ts'
import { HOUR_MS, must, type SectionRules } from './rules.ts'

/** A TTL is never longer than this, unless an override is in force. Invariant I-D2. */
export const MAX_TTL_MS = 48 * HOUR_MS

const ttl = integer(1_000, 7 * 24 * HOUR_MS)
const cap = integer(1, 100_000_000)
const value = object({ ttl_ms: ttl, records: cap, records_per_peer: cap, records_per_prefix: cap, records_per_key: cap })
export type Providers = Of<typeof value>

const OPERATIONS = {
  set: {
    values: object({
      ttl_ms: optional(ttl),
      records: optional(cap),
      records_per_peer: optional(cap),
      records_per_prefix: optional(cap),
      records_per_key: optional(cap),
    }),
  },
} as const

export const providers: SectionRules<Providers, OperationOf<typeof OPERATIONS>> = {
  value,
  change: operations(OPERATIONS),
  isCanaried: true,
  check ({ ttl_ms: ttlMs, records, records_per_peer: perPeer, records_per_prefix: perPrefix }) {
    // An override never changes this value: it loosens the one in force, and so nothing outlives it.
    must(ttlMs <= MAX_TTL_MS, 'a provider TTL over 48 h needs an override')
    must(perPeer <= perPrefix && perPrefix <= records, 'a peer may hold no more than its prefix, a prefix no more than all')
  },
  apply (value, { values }) {
    must(Object.keys(values).length > 0, 'nothing to set')
    return { ...value, ...values }
  },
}
