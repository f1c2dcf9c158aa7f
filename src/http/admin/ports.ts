import type { ActionLog } from '../../core/control-action.ts'
import type { MultihashKey } from '../../core/key.ts'
import type { WalkTrace } from '../../core/peer.ts'
import type { Span } from '../../core/span.ts'
import type { LookupPort } from '../../lookup/answer.ts'
import type { AuditPort } from './audit.ts'
import type { AuditKeysPort } from './audit-keys.ts'
import type { BanPorts } from './bans.ts'
import type { CapsPort } from './caps.ts'
import type { DegradedPort } from './degraded.ts'
import type { Discv5Ports } from './discv5.ts'
import type { GovernancePort } from './governance.ts'
import type { EventHub } from './event-hub.ts'
import type { OverviewPort } from './overview.ts'
import type { PolicyPorts } from './policy.ts'
import type { ConfigBody, PeersBody, QuotasBody, RecordsBody, StatusBody, TopHoldersBody } from './wire.ts'

/** What the admin handlers ask of the daemon. `compose` connects it. */
export interface AdminPorts extends Discv5Ports, BanPorts, OverviewPort, PolicyPorts {
  status (): StatusBody
  peers (): PeersBody['peers']
  records (key: MultihashKey): RecordsBody['records']
  /** @throws {DhtError} BadRequest when the text is not a peer ID */
  quotas (peerId: string): QuotasBody
  topHolders (): TopHoldersBody
  readonly announcer: AnnouncerPort
  readonly caps: CapsPort
  /** The daemon's clock. */
  now (): number
  readonly lookup: LookupPort
  readonly degraded: DegradedPort
  readonly audit: AuditPort
  readonly auditKeys: AuditKeysPort
  /** Where what operators do is kept before it takes effect. */
  readonly actions: ActionLog
  readonly events: EventHub
  readonly governance: GovernancePort
  readonly config: ConfigBody
}

export interface AnnouncerPort {
  /** Throws what `announce` would refuse at once, and does nothing. @throws {DhtError} as announce */
  assertAnnounces (key: MultihashKey, options: { readonly ttlMs?: number }): void
  /**
   * Holds the record and announces it to the closest peers, and again before it expires there.
   * @throws {DhtError} Backpressure at the limit of announced keys, BadRequest for a TTL beyond the cap, NotReady with nobody to tell
   */
  announce (key: MultihashKey, options: { readonly ttlMs?: number, readonly signal: AbortSignal, readonly span?: Span | undefined }): Promise<Announced>
  /** Ends the announcement; the time until which others may still hold it, or undefined when there was none. */
  withdraw (key: MultihashKey): Promise<number | undefined>
}

export interface Announced {
  readonly created: boolean
  readonly expiresAt: number
  readonly reached: number
  readonly attempted: number
  readonly trace: WalkTrace
}
