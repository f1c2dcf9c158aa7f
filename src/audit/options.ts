import type { Clock } from '../core/component.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { NoteSigner } from './format/checkpoint.ts'
import type { LogStorage } from './storage/storage.ts'

export interface AuditLogOptions {
  /** Identifies the log in its checkpoints: a URL without scheme, without spaces. */
  readonly origin: string
  /** How long an append waits for others to share its flush with. */
  readonly groupMs: number
  /** Longest time until a new entry is under a checkpoint. */
  readonly publishMs: number
  /** Longest age of the last checkpoint while no entries come: so an old date means a log that stands still. */
  readonly refreshMs: number
  /** How long an entry is published at least. */
  readonly retentionMs: number
  /** Entries that wait for the disk; more are refused. */
  readonly queued: number
}

export interface AuditLogDeps {
  readonly storage: LogStorage
  readonly signers: readonly NoteSigner[]
  /** Keys of before that are still here: those that signed last vouch for the ones that sign now. */
  readonly formerSigners?: readonly NoteSigner[]
  readonly metrics: Metrics['audit']
  readonly log: Logger
  readonly now: Clock
}
