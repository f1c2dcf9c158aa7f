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
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: Clock
  readonly transports?: HostDeps['transports']
}
