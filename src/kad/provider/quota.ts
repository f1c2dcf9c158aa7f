import type { RejectReason } from '../../core/errors.ts'

export interface QuotaLimits {
  readonly records: number
  readonly recordsPerPeer: number
  readonly recordsPerPrefix: number
  readonly recordsPerKey: number
}

/** Records held now, by what a new one would count against. */
export interface QuotaUsage {
  readonly total: number
  readonly ofPeer: number
  /** Undefined for an exempt sender. */
  readonly ofPrefix: number | undefined
  readonly ofKey: number
}

/**
 * The first quota that one more record would break, or undefined when it may come in. Only new records are asked about: a
 * refresh takes no room. What is held is never evicted for what arrives, so nobody can push out another's records.
 */
export function exceededQuota (usage: QuotaUsage, limits: QuotaLimits): RejectReason | undefined {
  if (usage.ofPeer >= limits.recordsPerPeer) return 'quota_peer'
  if (usage.ofPrefix !== undefined && usage.ofPrefix >= limits.recordsPerPrefix) return 'quota_prefix'
  if (usage.ofKey >= limits.recordsPerKey) return 'quota_key'
  if (usage.total >= limits.records) return 'quota_total'
  return undefined
}
