import type { Version } from '../config/version.ts'
import type { Clock } from '../core/component.ts'
import type { HostDeps } from '../kad/host.ts'
import type { IdentityKey } from '../kms/identity.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'

/** What a daemon gets from where it runs. */
export interface Surroundings {
  readonly identity: IdentityKey
  readonly version: Version
  readonly adminSocket: string
  /** Where the owner's capability goes until the daemon stops; without it, into the data directory, or to be shown once. */
  readonly ownerFile?: string | undefined
  /** Paths of the settings that somebody gave a value. Absent: none, so that nothing drifts from what is governed. */
  readonly given?: ReadonlySet<string> | undefined
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: Clock
  /** Milliseconds that never jump: by them governance tells a clock that was set from time that passed. Absent: the process's own. */
  readonly monotonic?: Clock | undefined
  readonly transports?: HostDeps['transports']
}
