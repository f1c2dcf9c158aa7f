import type { MultihashKey } from '../../../core/key.ts'
import type { Announcement, ProviderRecord } from '../record.ts'

/** The bytes are valid during the call. */
export type OnRemoved = (key: MultihashKey, provider: Uint8Array) => void

/** Those that records count against. */
export type Holder = 'peer' | 'prefix'

/** Some of the rows of a table, so that others get their turn between two slices. */
export interface Slice { readonly from: number, readonly rows: number }

/**
 * Holds provider records, unique by (key, provider). A caller has checked quotas and addresses before.
 *
 * Reads and writes are synchronous and of constant cost in the number of records; what expired is never returned, even
 * when it is not removed yet. Every backend passes the suite in `test/kad/provider/store/suite.ts`.
 */
export interface ProviderStore {
  /**
   * Inserts, or refreshes as `mergeRecord` says. Copies what it keeps; the addresses are told with all records of the provider.
   * @throws {DhtError} StoreUnavailable while what is announced could not be kept as the backend promises
   */
  upsert (announcement: Announcement): 'created' | 'refreshed'
  /** Live records of a key, in no particular order. */
  get (key: MultihashKey, now: number): readonly ProviderRecord[]
  /** Whether a live record of this provider is held for the key. */
  has (key: MultihashKey, provider: Uint8Array, now: number): boolean
  /** The record as it is held, expired or not. */
  find (key: MultihashKey, provider: Uint8Array): ProviderRecord | undefined
  /** True when there was one. */
  remove (key: MultihashKey, provider: Uint8Array): boolean
  /** Removes at most `limit` records that expired a second ago or longer, and maybe later ones; to the second, oldest first. Says how many. */
  expire (now: number, limit: number, onRemoved?: OnRemoved): number
  /**
   * Removes records of the providers that `isGone` picks, among `rows` rows. The row to go on from, or undefined when all were looked at;
   * a record that comes in meanwhile may be missed.
   */
  removeWhere (isGone: (provider: Uint8Array) => boolean, slice: Slice, onRemoved: OnRemoved): number | undefined
  /**
   * Tells the holders in a slice, with how many records each has: a peer by its binary ID, a prefix by its text. The row to go on from, or
   * undefined when all were looked at.
   */
  tellHolders (holder: Holder, slice: Slice, tell: (who: Uint8Array | string, records: number) => void): number | undefined
  /** How long the oldest expired record has been waiting for `expire`, to the second. Milliseconds. */
  expiryLagMs (now: number): number
  /** Records held, expired ones that wait for removal included. */
  readonly size: number
  readonly keys: number
  /** Memory set aside for what is held, without what JavaScript adds to it. */
  readonly sizeBytes: number
  ofPeer (provider: Uint8Array): number
  ofPrefix (prefix: string): number
  ofKey (key: MultihashKey): number
  /** The addresses a provider announced last, or undefined when no record of it is held. */
  addressesOf (provider: Uint8Array): readonly Uint8Array[] | undefined
}
