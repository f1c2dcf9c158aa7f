import type { FastifyReply } from 'fastify'
import type { Clock } from '../../core/component.ts'
import type { AuditFiles } from '../audit-file.ts'
import type { LookupPort, ValuePort } from '../../lookup/answer.ts'
import type { Admission } from '../../policy/load-monitor.ts'
import type { PublicNode } from './discv5.ts'

export interface PublicOptions {
  /** Records in one JSON answer. */
  readonly jsonRecords: number
  /** Records in one NDJSON stream. */
  readonly ndjsonRecords: number
  /** Peers in one answer about the closest: the bucket size, k. */
  readonly closestPeers: number
  readonly requestsPerPrefixPerSecond: number
  readonly ipnsPut: boolean
  /** Whether the node's record is also where the tools of Ethereum look for it; not unless told. */
  readonly ethereumIdentity?: boolean
  /** How long the overlay keeps a provider record: the longest that a cache may fall back on an answer. */
  readonly recordTtlMs: number
}

export interface PublicDeps {
  readonly lookup: LookupPort
  readonly values: ValuePort
  readonly audit: AuditFiles
  readonly admission: Admission
  /** The discv5 node; undefined while the plane is off. */
  readonly node?: PublicNode | undefined
  /** What the policy in force leaves of the request rate; all of it when left out. */
  readonly rateFactor?: (() => number) | undefined
  readonly now: Clock
}

/** What every route of the public API gets. */
export interface PublicContext {
  readonly options: PublicOptions
  readonly deps: PublicDeps
}

/** Made once: every request ends in an abort, and a new reason each time costs a stack trace. */
const GONE = new DOMException('The connection is done with the answer.', 'AbortError')

/** Aborts when the connection is done with the answer: because it went out, or because the client left. */
export function clientSignal (reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort(GONE))
  return gone.signal
}
