import type { MultihashKey } from '../../../../core/key.ts'
import type { Announcement, ProviderRecord } from '../../record.ts'

/**
 * What stands between the journal and its file. `full`, `read_only` and `io` may mend by themselves; `damaged` and `refused` (a
 * file that is not ours, or not of this version, or in use by another process) need the operator.
 */
export type JournalFault = 'full' | 'read_only' | 'io' | 'damaged' | 'refused'

/** The message is a sentence for the operator that says what to do. */
export class JournalError extends Error {
  override readonly name = 'JournalError'
  readonly fault: JournalFault

  constructor (fault: JournalFault, message: string, options: ErrorOptions = {}) {
    super(message, options)
    this.fault = fault
  }
}

export type SavedRecord = Pick<ProviderRecord, 'receivedAt' | 'expiresAt' | 'source' | 'prefix'> & { readonly key: MultihashKey }

/** What to make of one provider's records on disk. */
export interface ProviderChanges {
  readonly provider: Uint8Array
  /** Its latest; undefined when it has no record any more. */
  readonly addrs: readonly Uint8Array[] | undefined
  /** The state these records are in now, whatever the disk says of them. */
  readonly held: readonly SavedRecord[]
  /** Keys whose record is not held any more. */
  readonly gone: readonly MultihashKey[]
  /** The provider has no record any more: its addresses go too. */
  readonly isForgotten: boolean
}

/** One transaction: all of it is on disk, or nothing. */
export interface Batch {
  readonly changes: readonly ProviderChanges[]
  /** Before the changes, removes every record of these providers. */
  readonly dropped: readonly Uint8Array[]
  /** Before anything else, removes every record that expired at this time or before. */
  readonly expiredBy: number | undefined
}

/** A peer of the routing table, as it is remembered for the next start. */
export interface Contact {
  /** Binary peer ID. */
  readonly id: Uint8Array
  readonly addrs: readonly Uint8Array[]
}

export interface JournalContents {
  readonly records: number
  /** Batches committed since the file was created: tells an older copy of the file from the one we wrote. */
  readonly commits: number
  /** Why nothing may be written: a read-only disk, or damage. What can be read is replayed all the same. */
  readonly obstacle: { readonly fault: JournalFault, readonly message: string } | undefined
}

/**
 * Provider records on disk. Every call may reject with a JournalError; none of them holds the event loop. After a fault of `commit`
 * the journal is closed and opened again: what a failed transaction left behind is known only then.
 */
export interface Journal {
  /** Opens the file. `create` allows to make it when it is not there. */
  open (options: { readonly create: boolean }): Promise<JournalContents>
  /** Everything that was committed, expired records too. Damage is told at the end, after what could be read. */
  replay (): AsyncIterable<readonly Announcement[]>
  /** Resolves with the number of commits once the batch is safe from a crash and a power cut. */
  commit (batch: Batch): Promise<number>
  saveContacts (contacts: readonly Contact[]): Promise<void>
  /** In the order they were saved. */
  loadContacts (): Promise<Contact[]>
  /** Also when it was never opened, or has failed. */
  close (): Promise<void>
  /** Lets go at once of a disk that does not answer. Calls under way reject; whether the last commit got there shows at the next start. */
  abandon (): void
}
