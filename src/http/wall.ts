import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Authority, Principal } from '../auth/authority.ts'
import type { Clock } from '../core/component.ts'
import { DhtError, type RejectReason } from '../core/errors.ts'
import type { Logger } from '../observability/logger.ts'
import { quotaPrefix } from '../policy/ip-group.ts'
import type { Admission } from '../policy/load-monitor.ts'
import { accessOf, WRITES, type Surface } from '../policy/permissions.ts'
import type { PolicyGate } from '../policy/policy-holder.ts'
import { RateLimit } from '../policy/rate-limit.ts'
import type { WriteGate } from '../policy/write-gate.ts'
import { bearerToken } from './bearer.ts'
import { overUnixSocket } from './known-address.ts'

/** Checks tokens. */
export type Authorizer = Pick<Authority, 'authorize'>

interface Options {
  readonly surface: Surface
}

export interface WallDeps {
  /** Of each principal, over all listeners together. */
  readonly rate: RateLimit
  readonly authorizer: Authorizer
  readonly policy: PolicyGate
  readonly admission: Admission
  readonly writes: Pick<WriteGate, 'assertOpen'>
  readonly now: Clock
  /** Told that an answer which went on was ended. */
  readonly onLapse: (reason: RejectReason | 'fault') => void
  /** The id of the proposal that a path names by id or number. */
  readonly proposalId?: ((idOrNumber: string) => string | undefined) | undefined
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined on public routes. */
    principal: Principal | undefined
    /** Of a GET that needs a capability: aborted when it would be refused now. Who does not end the answer then is cut off. */
    lapsed: AbortSignal | undefined
  }
}

/** How often an answer that goes on is judged again: a revocation is to hold everywhere within 5 s. */
const REJUDGE_MS = 1000
/** Requests a second without a good capability that one IP prefix is told why. Who has one is never refused for what others send. */
export const TRIES_PER_SECOND = 100
/** What an answer may take to its end once its capability has ended. */
const LAPSE_MS = 2500

/**
 * What every request passes before its body is read and its handler runs: auth → policy → quota. The permission table says what
 * each route asks; a route that it does not know keeps the server from starting. Ops routes are public and never refused, so
 * that a daemon in trouble can be looked at.
 */
export function raiseWall (app: FastifyInstance, { surface }: Options, deps: WallDeps): void {
  requireRows(app, surface)
  const isLocal = overUnixSocket(app.server)
  const strangers = new RateLimit({ perSecond: TRIES_PER_SECOND })
  app.decorateRequest('principal', undefined)
  app.decorateRequest('lapsed', undefined)
  app.addHook('onRequest', async (request, reply) => {
    const { url } = request.routeOptions
    const access = url === undefined ? 'public' : accessOf(surface, request.method, url) // nothing is at an unknown path
    if (access === undefined) throw new Error(`no row for ${request.method} ${url}`)
    if (surface === 'ops') return
    const ip = ipOf(request)
    const now = deps.now()
    if (access !== 'public') {
      const attempt = { permission: access, ip, ...proposalOf(request, deps) }
      const authorize = (at: number): Principal => deps.authorizer.authorize(bearerToken(request.raw.rawHeaders), { ...attempt, now: at })
      // A browser or script learns what to send; this stays on the reply only when the next line throws.
      reply.header('www-authenticate', 'Bearer')
      request.principal = orRefused(() => authorize(now), () => takeTry(strangers, ip, now))
      reply.removeHeader('www-authenticate')
      if (request.method === 'GET') {
        request.lapsed = judgeAgain({ log: request.log, onLapse: deps.onLapse }, reply, () => {
          authorize(deps.now())
          deps.policy.assertAdmits({ ip, isLocal: isLocal() })
        })
      }
    }
    deps.policy.assertAdmits({ ip, isLocal: isLocal() })
    if (request.principal !== undefined) takeQuota(deps.rate, request.principal, now)
    if (surface === 'admin') deps.admission.admit('admin')
    if (access !== 'public' && WRITES.has(access)) deps.writes.assertOpen()
  })
}

/**
 * Judges the request again and again for as long as its answer goes on, for a stream would outlive its capability. Only what
 * reads is cut off: who changes something must learn what became of it.
 */
function judgeAgain ({ log, onLapse }: { readonly log: Pick<Logger, 'info'>, readonly onLapse: WallDeps['onLapse'] }, { raw }: FastifyReply, assertAllowed: () => void): AbortSignal {
  const lapsed = new AbortController()
  let cutOff: NodeJS.Timeout | undefined
  const judging = setInterval(() => {
    try {
      assertAllowed()
    } catch (err) {
      clearInterval(judging)
      const reason = err instanceof DhtError ? err.reason : undefined
      onLapse(reason ?? 'fault')
      log.info({ event: 'answer_ended', reason }, 'an answer is ended: its capability has')
      lapsed.abort(err)
      cutOff = setTimeout(() => raw.destroy(), LAPSE_MS).unref()
    }
  }, REJUDGE_MS).unref()
  raw.once('close', () => {
    clearInterval(judging)
    clearTimeout(cutOff)
  })
  return lapsed.signal
}

/** The proposal that the path names, for capabilities that are held to one. */
function proposalOf ({ routeOptions: { url = '' }, params }: FastifyRequest, { proposalId }: Pick<WallDeps, 'proposalId'>): { readonly proposal?: string } {
  const name = /^\/v1\/governance\/proposals\/:(\w+)/.exec(url)?.[1]
  const proposal = name === undefined ? undefined : (params as Readonly<Record<string, string>>)[name]
  return proposal === undefined ? {} : { proposal: proposalId?.(proposal) ?? proposal }
}

/** A Unix socket has no address; its clients are of this machine. */
function ipOf ({ ip }: FastifyRequest): string | undefined {
  return ip === '' ? undefined : ip
}

/** What `authorize` says; but for a prefix that sends what is no good on and on the answer is 429, which tells nothing about what was sent. */
function orRefused (authorize: () => Principal, takeTry: () => void): Principal {
  try {
    return authorize()
  } catch (err) {
    if (err instanceof DhtError && err.reason === 'unauth') takeTry()
    throw err
  }
}

function takeTry (strangers: RateLimit, ip: string | undefined, now: number): void {
  const retryAfterMs = strangers.take((ip === undefined ? undefined : quotaPrefix(ip)) ?? 'local', now)
  if (retryAfterMs > 0) throw new DhtError('Backpressure', 'Too many requests without a good capability from your network.', { retryAfterMs, reason: 'http_rate' })
}

/** The tightest bound first: what it refuses costs nothing of the wider ones, which others share. */
function takeQuota (rate: RateLimit, { id, bounds }: Principal, now: number): void {
  const retryAfterMs = takeAll(rate, [{ party: id, perSecond: undefined }, ...bounds.map(({ party, perSecond }) => ({ party: `${id} ${party}`, perSecond }))].reverse(), now)
  if (retryAfterMs > 0) throw new DhtError('Backpressure', 'Too many requests with this capability.', { retryAfterMs, reason: 'http_rate' })
}

function takeAll (rate: RateLimit, bounds: ReadonlyArray<{ readonly party: string, readonly perSecond: number | undefined }>, now: number): number {
  for (const { party, perSecond } of bounds) {
    const retryAfterMs = rate.take(party, now, perSecond)
    if (retryAfterMs > 0) return retryAfterMs
  }
  return 0
}

/** Every route that is missing in the table is named at once, when the server becomes ready. */
function requireRows (app: FastifyInstance, surface: Surface): void {
  const missing: string[] = []
  app.addHook('onRoute', ({ url, method }) => {
    for (const each of [method].flat()) if (accessOf(surface, each, url) === undefined) missing.push(`${each} ${url}`)
  })
  app.addHook('onReady', async () => {
    if (missing.length > 0) throw new Error(`routes without a row in the permission table (${surface}): ${missing.join(', ')}`)
  })
}
