/** What the log remembers of itself outside its folder: how far it has come, and who signs for it. */
export interface Mark {
  readonly origin: string
  readonly size: number
  /** Root at that size, in hex. */
  readonly root: string
  /** Verifier keys of the last checkpoint. */
  readonly keys: readonly string[]
  /** The first entry that is published; 0 when it is left out. */
  readonly minimum?: number
}

/** Entries that no checkpoint covers for sure, as they were appended, from `start` on. */
export interface Pending { readonly start: number, readonly bytes: Uint8Array }

/** Where the log is. One log has it at a time. Every write has reached the disk when it resolves. */
export interface LogStorage {
  /** Takes the lock. @throws {Error} with a sentence when another process has it */
  open (): Promise<void>
  readMark (): Promise<Mark | undefined>
  /** @throws {ReplacedError} when the file is not the one we opened any more */
  writeMark (mark: Mark): Promise<void>
  /** A file of the published log by its path in tlog-tiles, or undefined. */
  read (path: string): Promise<Uint8Array | undefined>
  /** In the order given: the checkpoint comes last. */
  publish (files: ReadonlyArray<readonly [path: string, bytes: Uint8Array]>): Promise<void>
  readPending (): Promise<Pending[]>
  /** Behind what was appended since the last `beginPending`. @throws {ReplacedError} when the file is not the one we opened any more */
  append (bytes: Uint8Array): Promise<void>
  /** Starts an empty list of entries from `start` on; those before are dropped: a checkpoint covers them. */
  beginPending (start: number): Promise<void>
  close (): Promise<void>
  /** Only of a log that is bounded: the first entry that may be kept, of those that a checkpoint covers; `minimum` while all may. */
  findMinimum? (minimum: number, published: number): number
  /** Only of a log that is bounded: drops entries and tiles wholly before `minimum`. */
  letGo? (minimum: number): void
}

/** Somebody deleted, replaced or cut a file of the log while it was in use. */
export class ReplacedError extends Error {
  override readonly name = 'ReplacedError'
}
