import type { MultihashKey } from '../../core/key.ts'

/** How a record came to be here: announced by the provider itself, or by this daemon for its operator. */
export type RecordSource = 'rpc' | 'operator'

/** Who provides a key, where, and until when we say so. */
export interface ProviderRecord {
  /** Binary peer ID. */
  readonly provider: Uint8Array
  /** Binary multiaddrs, as the provider announced them last for any key; they live as long as the record. Bounded by MAX_PEER_ADDRESSES. */
  readonly addrs: readonly Uint8Array[]
  /** Of the latest announcement. Milliseconds since the epoch. */
  readonly receivedAt: number
  readonly expiresAt: number
  readonly source: RecordSource
  /** The IP prefix whose quota it counts against; undefined for an exempt sender. */
  readonly prefix: string | undefined
}

export interface Announcement extends ProviderRecord {
  readonly key: MultihashKey
}

/** A repeat refreshes the addresses and extends the time, never shortens it. */
export function mergeRecord (held: ProviderRecord | undefined, announced: ProviderRecord): ProviderRecord {
  if (held === undefined || held.expiresAt <= announced.expiresAt) return announced
  return { ...announced, expiresAt: held.expiresAt }
}

/** A record is served up to, and not at, the moment it expires. */
export function isLive (record: Pick<ProviderRecord, 'expiresAt'>, now: number): boolean {
  return now < record.expiresAt
}
