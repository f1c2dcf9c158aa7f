import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { Readable, Writable } from 'node:stream'
import type {
  AuditEntriesBody, AuditHeadBody, AuditRotateBody, BusEvent, CapMintBody, CapMintRequest, CapPermissionsBody, CapRevokeBody, CapRevokeRequest, CapRotateBody, CapRotateRequest, CapsBody, CapTestBody, CapTestRequest, CharterBody, ConfigBody, ConfigDigestBody, DegradedBody, DegradedRequest, DisputesBody, ErrorBody, EventTopic, GovernanceStateBody, GovernanceStatusBody, LookupEvent, MembersBody, MembershipStatusBody, ObligationsBody, PeersBody, ProposalDetailBody, ProposalsBody, ProvideBody, ProvideRequest, QuotasBody, RecordsBody, StatementBody, StatementRequest, StatusBody, TopHoldersBody, WithdrawBody,
} from '../http/admin/wire.ts'
import type {
  BanRequest, BansBody, Discv5AdvertiseRequest, Discv5Body, Discv5LookupBody, Discv5LookupRequest, Discv5NodesBody, Discv5NodesRequest, Discv5PingBody, Discv5PingRequest, Discv5RecordEvent, Discv5TableBody, Discv5TalkBody, Discv5TalkRequest, Discv5TopicFindBody, Discv5TopicFindRequest, Discv5TopicsBody, UnbanBody,
} from '../http/admin/wire-discv5.ts'
import type { OverviewBody } from '../http/admin/wire-overview.ts'
import type { PolicyBody, PolicyTestBody } from '../http/admin/wire-policy.ts'
import { Failure, refusalFailure } from './failure.ts'
import { readBytes, readLines, readText } from './read-body.ts'

export type LookupKind = 'providers' | 'peers' | 'closest'

export interface AdminClientOptions {
  readonly socketPath: string
  /** The capability to send; asked for when the first request is made. */
  readonly capability?: () => string | undefined
  /** Milliseconds without a byte from the daemon after which a request is given up. A walk takes up to 28 s. */
  readonly idleTimeoutMs?: number
  /** Aborts whatever is under way. */
  readonly signal: AbortSignal
}

interface Call {
  /** Aborts this call alone. */
  readonly signal?: AbortSignal
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly body?: ProvideRequest | DegradedRequest | CapMintRequest | CapRevokeRequest | CapTestRequest | CapRotateRequest | Discv5PingRequest | Discv5LookupRequest | Discv5TopicFindRequest | Discv5AdvertiseRequest | Discv5NodesRequest | Discv5TalkRequest | StatementRequest | BanRequest
}

const DEFAULT_IDLE_TIMEOUT_MS = 45_000

/**
 * The admin API over its Unix socket. Every method throws a Failure: what the daemon refused, `Unreachable` when nobody
 * answers on the socket, `Timeout` when it stays silent.
 */
export class AdminClient {
  readonly #socketPath: string
  readonly #capability: () => string | undefined
  readonly #idleTimeoutMs: number
  readonly #signal: AbortSignal

  constructor ({ socketPath, capability = () => undefined, idleTimeoutMs = DEFAULT_IDLE_TIMEOUT_MS, signal }: AdminClientOptions) {
    this.#socketPath = socketPath
    this.#capability = capability
    this.#idleTimeoutMs = idleTimeoutMs
    this.#signal = signal
  }

  status (): Promise<StatusBody> {
    return this.#json('/v1/status')
  }

  membershipStatus (): Promise<MembershipStatusBody> {
    return this.#json('/v1/membership/status')
  }

  members (): Promise<MembersBody> {
    return this.#json('/v1/membership/members')
  }

  overview (): Promise<OverviewBody> {
    return this.#json('/v1/overview')
  }

  peers (): Promise<PeersBody> {
    return this.#json('/v1/peers')
  }

  records (key: string): Promise<RecordsBody> {
    return this.#json(`/v1/records/${encodeURIComponent(key)}`)
  }

  topHolders (): Promise<TopHoldersBody> {
    return this.#json('/v1/quotas')
  }

  quotas (peerId: string): Promise<QuotasBody> {
    return this.#json(`/v1/quotas/${encodeURIComponent(peerId)}`)
  }

  provide (body: ProvideRequest): Promise<ProvideBody> {
    return this.#json('/v1/providers', { method: 'POST', body })
  }

  withdraw (key: string): Promise<WithdrawBody> {
    return this.#json(`/v1/providers/${encodeURIComponent(key)}`, { method: 'DELETE' })
  }

  config (): Promise<ConfigBody> {
    return this.#json('/v1/config')
  }

  configDigest (): Promise<ConfigDigestBody> {
    return this.#json('/v1/config/digest')
  }

  degraded (): Promise<DegradedBody> {
    return this.#json('/v1/ops/degraded')
  }

  turnDegraded (body: DegradedRequest): Promise<DegradedBody> {
    return this.#json('/v1/ops/degraded', { method: 'PUT', body })
  }

  mint (body: CapMintRequest): Promise<CapMintBody> {
    return this.#json('/v1/caps', { method: 'POST', body })
  }

  /** A page; `next` leads to the next. */
  capabilities (after?: string): Promise<CapsBody> {
    return this.#json(`/v1/caps${after === undefined ? '' : `?after=${encodeURIComponent(after)}`}`)
  }

  revoke (body: CapRevokeRequest): Promise<CapRevokeBody> {
    return this.#json('/v1/caps/revoke', { method: 'POST', body })
  }

  testCapability (body: CapTestRequest): Promise<CapTestBody> {
    return this.#json('/v1/caps/test', { method: 'POST', body })
  }

  permissions (): Promise<CapPermissionsBody> {
    return this.#json('/v1/caps/permissions')
  }

  rotateRoot (body: CapRotateRequest): Promise<CapRotateBody> {
    return this.#json('/v1/caps/rotate-root', { method: 'POST', body })
  }

  discv5 (): Promise<Discv5Body> {
    return this.#json('/v1/discv5')
  }

  discv5Table (): Promise<Discv5TableBody> {
    return this.#json('/v1/discv5/table')
  }

  discv5Ping (body: Discv5PingRequest): Promise<Discv5PingBody> {
    return this.#json('/v1/discv5/ping', { method: 'POST', body })
  }

  discv5Lookup (body: Discv5LookupRequest, signal?: AbortSignal): Promise<Discv5LookupBody> {
    return this.#json('/v1/discv5/lookup', { method: 'POST', body, ...(signal !== undefined && { signal }) })
  }

  discv5Nodes (body: Discv5NodesRequest, signal?: AbortSignal): Promise<Discv5NodesBody> {
    return this.#json('/v1/discv5/nodes', { method: 'POST', body, ...(signal !== undefined && { signal }) })
  }

  discv5Topics (): Promise<Discv5TopicsBody> {
    return this.#json('/v1/discv5/topics')
  }

  discv5FindTopic (body: Discv5TopicFindRequest): Promise<Discv5TopicFindBody> {
    return this.#json('/v1/discv5/topics/find', { method: 'POST', body })
  }

  discv5Advertise (body: Discv5AdvertiseRequest): Promise<Discv5TopicsBody> {
    return this.#json('/v1/discv5/topics', { method: 'POST', body })
  }

  discv5Withdraw (topic: string, reason?: string): Promise<Discv5TopicsBody> {
    return this.#json(`/v1/discv5/topics/${encodeURIComponent(topic)}${reason === undefined ? '' : `?reason=${encodeURIComponent(reason)}`}`, { method: 'DELETE' })
  }

  discv5Talk (body: Discv5TalkRequest): Promise<Discv5TalkBody> {
    return this.#json('/v1/discv5/talk', { method: 'POST', body })
  }

  /** Begins `work` once the daemon listens, so that no record discovered after that is missed. They go on until the daemon ends them. */
  async withDiscovered<T> (work: (records: AsyncIterable<Discv5RecordEvent>) => Promise<T>): Promise<T> {
    const response = await this.#send('/v1/discv5/records')
    try {
      return await work(this.#readLines<Discv5RecordEvent>(response))
    } finally {
      response.destroy()
    }
  }

  bans (): Promise<BansBody> {
    return this.#json('/v1/bans')
  }

  ban (body: BanRequest): Promise<BansBody> {
    return this.#json('/v1/bans', { method: 'POST', body })
  }

  unban (subject: string, reason?: string): Promise<UnbanBody> {
    return this.#json(`/v1/bans/${encodeURIComponent(subject)}${reason === undefined ? '' : `?reason=${encodeURIComponent(reason)}`}`, { method: 'DELETE' })
  }

  policy (): Promise<PolicyBody> {
    return this.#json('/v1/policy')
  }

  testPolicy (about: { readonly ip?: string, readonly peer?: string, readonly method?: string, readonly path?: string }): Promise<PolicyTestBody> {
    return this.#json(`/v1/policy/test?${new URLSearchParams(about).toString()}`)
  }

  rotateAuditKey (body: { readonly reason: string }): Promise<AuditRotateBody> {
    return this.#json('/v1/audit/rotate-key', { method: 'POST', body })
  }

  auditHead (): Promise<AuditHeadBody> {
    return this.#json('/v1/audit/head')
  }

  /** A page of entries; `next` leads to the next. */
  auditEntries (query: { readonly from: number, readonly limit: number, readonly since?: string, readonly action?: string }): Promise<AuditEntriesBody> {
    const parameters = new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]))
    return this.#json(`/v1/audit/entries?${parameters}`)
  }

  async auditProof (seq: number): Promise<string> {
    return Buffer.from(await this.#bytes(`/v1/audit/proof/${seq}`)).toString('utf8')
  }

  /** A file of the published log; undefined when there is none. */
  async auditFile (path: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#bytes(`/v1/audit/files/${path}`)
    } catch (err) {
      if (err instanceof Failure && err.code === 'NotFound') return undefined
      throw err
    }
  }

  governanceStatus (): Promise<GovernanceStatusBody> {
    return this.#json('/v1/governance/status')
  }

  governanceState (): Promise<GovernanceStateBody> {
    return this.#json('/v1/governance/state')
  }

  charter (): Promise<CharterBody> {
    return this.#json('/v1/governance/charter')
  }

  disputes (): Promise<DisputesBody> {
    return this.#json('/v1/governance/disputes')
  }

  obligations (): Promise<ObligationsBody> {
    return this.#json('/v1/governance/obligations')
  }

  proposals (): Promise<ProposalsBody> {
    return this.#json('/v1/governance/proposals')
  }

  proposal (idOrNumber: string): Promise<ProposalDetailBody> {
    return this.#json(`/v1/governance/proposals/${encodeURIComponent(idOrNumber)}`)
  }

  /** Hands a signed statement in, at the path of its kind below `/v1/governance/`. */
  submit (path: string, body: StatementRequest): Promise<StatementBody> {
    return this.#json(`/v1/governance/${path}`, { method: 'POST', body })
  }

  /** Begins `work` once the daemon listens, so that no event after that is missed. The events go on until the daemon ends them. */
  async withEvents<T> (topic: EventTopic, since: string | undefined, work: (events: AsyncIterable<BusEvent>) => Promise<T>): Promise<T> {
    const response = await this.#send(`/v1/events?topic=${topic}${since === undefined ? '' : `&since=${encodeURIComponent(since)}`}`)
    try {
      return await work(this.#readEvents(response))
    } finally {
      response.destroy()
    }
  }

  async * #readLines<T> (response: IncomingMessage): AsyncGenerator<T> {
    try {
      for await (const line of readLines(response)) yield parseJson<T>(line)
    } catch (err) {
      throw this.#explain(err)
    }
  }

  async * #readEvents (response: IncomingMessage): AsyncGenerator<BusEvent> {
    try {
      for await (const line of readLines(response)) if (line.startsWith('data: ')) yield parseJson<BusEvent>(line.slice('data: '.length))
    } catch (err) {
      throw this.#explain(err)
    }
  }

  /** Events as the daemon sends them. When the last one is not `done`, the daemon broke the answer off. */
  async * lookup (kind: LookupKind, key: string, limit: number): AsyncGenerator<LookupEvent> {
    const response = await this.#send(`/v1/lookups/${kind}/${encodeURIComponent(key)}?limit=${limit}`)
    try {
      yield * this.#readLines<LookupEvent>(response)
    } finally {
      response.destroy()
    }
  }

  async #json<T> (path: string, call: Call = {}): Promise<T> {
    const response = await this.#send(path, call)
    return parseJson<T>(await readText(response).catch(err => { throw this.#explain(err) }))
  }

  async #bytes (path: string): Promise<Uint8Array> {
    const response = await this.#send(path)
    return await readBytes(response).catch(err => { throw this.#explain(err) })
  }

  /** The response once its head is there and says success. */
  async #send (path: string, { method = 'GET', body, signal }: Call = {}): Promise<IncomingMessage> {
    const token = this.#capability()
    const payload = body === undefined ? undefined : JSON.stringify(body)
    const request = httpRequest({
      socketPath: this.#socketPath,
      path,
      method,
      agent: false, // one request a connection: nothing stays open when the command is done
      signal: signal === undefined ? this.#signal : AbortSignal.any([this.#signal, signal]),
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(payload !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
      },
    })
    let pending: Writable | Readable = request
    request.setTimeout(this.#idleTimeoutMs, () => pending.destroy(this.#silence()))
    request.end(payload)
    try {
      const [response] = await once(request, 'response') as [IncomingMessage]
      pending = response // whoever reads it is to learn why it ended
      if ((response.statusCode ?? 0) < 300) return response
      throw refusalOf(response.statusCode ?? 0, await readText(response))
    } catch (err) {
      throw this.#explain(err)
    }
  }

  #silence (): Failure {
    return new Failure(`The daemon did not answer for ${this.#idleTimeoutMs / 1000} s.`, {
      exit: 'later', code: 'Timeout', retryable: true, hint: 'It may be overloaded: look at its log and at `ronctl status`.',
    })
  }

  /** A failed connection as what it means for the operator; anything else as it is. */
  #explain (err: unknown): unknown {
    if (!(err instanceof Error) || err instanceof Failure || !('code' in err)) return err
    const { code } = err
    const where = `looked at ${this.#socketPath}`
    if (code === 'ENOENT' || code === 'ECONNREFUSED') {
      return new Failure(`The daemon is not running (${where}).`, {
        exit: 'unreachable', code: 'Unreachable', retryable: true, cause: err, hint: 'Start it, or name its socket with --socket PATH or RONCTL_SOCKET.',
      })
    }
    if (code === 'EACCES' || code === 'EPERM') {
      return new Failure(`This user may not open the daemon's socket (${where}).`, {
        exit: 'refused', code: 'NoCapability', cause: err, hint: 'Run ronctl as the user that the daemon runs as.',
      })
    }
    return new Failure(`The connection to the daemon failed: ${err.message} (${where}).`, {
      exit: 'unreachable', code: 'Unreachable', retryable: true, cause: err,
    })
  }
}

function refusalOf (status: number, text: string): Failure {
  const error = parseJson<Partial<ErrorBody> | null>(text)?.error
  if (typeof error?.code !== 'string' || typeof error.message !== 'string') throw notOurDaemon(`status ${status}`)
  return refusalFailure({ error })
}

function parseJson<T> (text: string): T {
  try {
    return JSON.parse(text) as T
  } catch (err) {
    throw notOurDaemon('no JSON', err)
  }
}

function notOurDaemon (answer: string, cause?: unknown): Failure {
  return new Failure(`The daemon answered with something ronctl does not know: ${answer}.`, {
    exit: 'internal', code: 'Internal', cause, hint: 'Compare `ronctl version`: the two may not belong together.',
  })
}
