import type { Clock } from '../core/component.ts'
import type { Logger } from '../observability/logger.ts'
import type { Counts } from './counts.ts'
import type { OwnAddresses } from './enr/own-record.ts'
import type { Membership } from './members/membership.ts'
import type { NodeKey } from './node-key.ts'
import type { GuardLimits } from './protect/guard.ts'
import type { StateStore } from './saved-state.ts'
import type { Secp256k1 } from './secp256k1.ts'
import type { DatagramSocket } from './socket.ts'
import type { TopicParameters } from './topics/parameters.ts'

export interface NativeOptions {
  /** Addresses that the operator gave; never overridden by what others see. */
  readonly external: OwnAddresses
  readonly bootnodes: readonly string[]
  readonly limits: GuardLimits
  readonly sessions: number
  readonly requestTimeoutMs: number
  readonly retries: number
  /** How often, on average, a node of the table is asked whether it lives. */
  readonly pingIntervalMs: number
  readonly lookupConcurrency: number
  /** Topic discovery; off when absent. */
  readonly topics?: TopicParameters | undefined
  /** Nodes that must agree on our address. */
  readonly votes: number
}

export interface NativeDeps {
  readonly key: NodeKey
  readonly secp256k1: Secp256k1
  readonly sockets: readonly DatagramSocket[]
  readonly store?: StateStore | undefined
  /** Ports and ID of the libp2p host, asked at the start, when it listens. */
  readonly libp2p?: (() => OwnAddresses) | undefined
  readonly counts?: Counts
  /** Who is let in; everybody when absent. */
  readonly membership?: Membership
  readonly log: Logger
  readonly now: Clock
  readonly random: () => number
}
