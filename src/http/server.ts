import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Server as TlsServer } from 'node:tls'
import { fastify, LogController, type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Clock } from '../core/component.ts'
import { DhtError } from '../core/errors.ts'
import type { Span, Tracer } from '../core/span.ts'
import { MAX_BEARER_HEADER_BYTES, MAX_TOKEN_BYTES } from '../core/limits.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import { matchesPattern } from '../policy/permissions.ts'
import { acceptCompressedBodies } from './decompress.ts'
import { HttpError, toDhtError, toEnvelope } from './envelope.ts'
import { InFlight } from './in-flight.ts'
import { requireAddresses } from './known-address.ts'
import { type RequestLog, RequestLines } from './request-lines.ts'
import type { Certificates } from './tls.ts'

export type Service = 'public' | 'admin' | 'ops'

export interface ServerOptions {
  readonly service: Service
  /** Requests in flight; more get 503. `Infinity` for a listener that must never shed, as ops. */
  readonly inFlight: number
  /** Serves HTTPS. */
  readonly tls?: Certificates | undefined
}

export interface ServerDeps {
  readonly metrics: Metrics['http']
  readonly log: Logger
  readonly now: Clock
  /** Absent: no traces are taken. */
  readonly tracer?: Tracer | undefined
}

declare module 'fastify' {
  interface FastifyRequest {
    /** When a trace is taken of the request. */
    span: Span | undefined
    /** Why it was refused or failed, if it was: the reason, else the code. */
    failure: string | undefined
  }
}

const MAX_BODY_BYTES = 1024 * 1024
/** Of the URL and all headers together. */
const MAX_HEADER_BYTES = { public: 16 * 1024, admin: MAX_BEARER_HEADER_BYTES, ops: 16 * 1024 } satisfies Record<Service, number>
const MAX_URL_BYTES = 4096
const READ_TIMEOUT_MS = 5000
const IDLE_TIMEOUT_MS = 60_000
const LINGER_MS = 1000

/** A fastify server with our limits, request ids, metrics, in-flight cap and error envelope; the caller adds routes, then listens. */
export function createServer ({ service, inFlight, tls }: ServerOptions, deps: ServerDeps): FastifyInstance {
  const http = { maxHeaderSize: MAX_HEADER_BYTES[service], headersTimeout: READ_TIMEOUT_MS, connectionsCheckingInterval: 1000 }
  const app = fastify({
    ...(tls === undefined ? { http } : { https: { ...http, ...tls.options } as unknown as null }), // the type of the server stays that of HTTP
    ...loggers(deps.log),
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: () => randomUUID(), // a client's X-Request-Id could forge another's log lines
    requestIdHeader: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: READ_TIMEOUT_MS,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    connectionTimeout: IDLE_TIMEOUT_MS, // also ends a client that stopped reading an answer which goes on
    return503OnClosing: false, // what reached us before the listener closed is answered
    routerOptions: { maxParamLength: MAX_HEADER_BYTES.public }, // so that our own limit on the URL refuses first
    clientErrorHandler: (error, socket) => refuseUnparsed(error, socket, service, deps),
    frameworkErrors: (error, request, reply) => {
      observe(request, reply)
      if (service === 'public') reply.header('access-control-allow-origin', '*') // no hook of the public API runs here
      refuse(error, request, reply)
    },
  })

  requireAddresses(app.server)
  tls?.guard(app.server as unknown as TlsServer)
  // Node would answer by itself, past the wall and every count.
  app.server.on('checkExpectation', (request, response) => { app.server.emit('request', request, response) })
  app.decorateRequest('span', undefined)
  app.decorateRequest('failure', undefined)
  const lines = new RequestLines(service, { isDebugged: deps.log.isLevelEnabled('debug'), now: deps.now })
  const places = new InFlight({ limit: inFlight, idleTimeoutMs: IDLE_TIMEOUT_MS })
  function observe (request: FastifyRequest, reply: FastifyReply): void {
    places.enter(request.raw, reply.raw)
    deps.metrics.inFlight.inc({ service })
    const stopTimer = deps.metrics.seconds.startTimer({ service, method: request.method })
    reply.header('x-request-id', request.id)
    if (deps.tracer !== undefined) beginTrace(deps.tracer, service, request)
    // 'close' comes exactly once, whether the answer went out whole or the client left.
    reply.raw.once('close', () => {
      deps.metrics.inFlight.dec({ service })
      const route = request.routeOptions.url ?? 'unmatched'
      const code = reply.raw.writableFinished ? String(reply.statusCode) : 'aborted'
      deps.metrics.requests.inc({ service, route, code })
      const seconds = stopTimer({ route })
      lines.write(request, { route, code, seconds })
      if (request.span !== undefined) endTrace(request.span, { service, route, seconds }, { request, reply, metrics: deps.metrics })
    })
  }

  function refuse (thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const error = toDhtError(thrown, request.raw)
    places.leave(request.raw)
    if (error.reason !== undefined) deps.metrics.reject(error.reason)
    request.failure = error.reason ?? error.code
    request.span?.set({ 'error.type': error.code })
    logFailure(request.log, error)
    const { status, headers, body } = toEnvelope(error, { requestId: request.id, now: deps.now() })
    if (!request.raw.complete) linger(request, reply)
    void reply.code(status).headers(headers).type('application/json; charset=utf-8').send(JSON.stringify(body))
  }

  app.addHook('onRequest', async (request, reply) => {
    observe(request, reply)
    places.assertRoom(request.raw)
    assertServable(request)
  })
  acceptCompressedBodies(app)
  app.setErrorHandler(refuse)
  const routes = methodsByPath(app)
  app.setNotFoundHandler(request => { throw notServed(service, request, routes) })
  return app
}

function assertServable ({ url, headers: { expect } }: FastifyRequest): void {
  if (expect !== undefined && expect.trim().toLowerCase() !== '100-continue') {
    throw new HttpError(417, 'Unsupported', 'What the request expects is not done here.', { hint: 'Send no Expect header but 100-continue.', reason: 'http_header' })
  }
  if (url.length > MAX_URL_BYTES) {
    throw new HttpError(414, 'TooLarge', `The URL is longer than ${MAX_URL_BYTES} bytes.`, { reason: 'http_path' })
  }
}

/** On the admin API a caller may continue a trace of its own; of strangers no context is taken, they could join or force traces. */
function beginTrace (tracer: Tracer, service: Service, request: FastifyRequest): void {
  const route = request.routeOptions.url ?? 'unmatched'
  const { traceparent } = request.headers
  const span = tracer.begin(`${request.method} ${route}`, {
    attributes: { 'http.request.method': request.method, 'http.route': route, 'svc_dht.surface': service, 'svc_dht.request_id': request.id },
    traceparent: service === 'admin' && typeof traceparent === 'string' ? traceparent : undefined,
  })
  if (span === undefined) return
  request.span = span
  request.log = request.log.child({ trace_id: span.traceId })
}

function endTrace (span: Span, { service, route, seconds }: { readonly service: Service, readonly route: string, readonly seconds: number }, { request, reply, metrics }: { readonly request: FastifyRequest, readonly reply: FastifyReply, readonly metrics: Metrics['http'] }): void {
  metrics.exemplify({ service, method: request.method, route }, seconds, span.traceId)
  const isWhole = reply.raw.writableFinished
  span.set({ 'http.response.status_code': reply.statusCode, ...(request.principal !== undefined && { 'svc_dht.grant': request.principal.id }) })
  span.end(!isWhole ? 'aborted' : reply.statusCode >= 500 ? String(reply.statusCode) : undefined)
}

/** The path patterns of the server's routes and the methods each has, filled as routes are added. Bounded by the routes. */
function methodsByPath (app: FastifyInstance): ReadonlyMap<string, Set<string>> {
  const routes = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    if (url === '*') return // matches every path, so it says nothing about which are known
    const methods = routes.get(url) ?? new Set()
    for (const each of [method].flat()) methods.add(each)
    routes.set(url, methods)
  })
  return routes
}

function notServed (service: Service, request: FastifyRequest, routes: ReadonlyMap<string, Set<string>>): DhtError {
  const path = request.url.split('?')[0] ?? ''
  const methods = routes.entries().find(([pattern]) => matchesPattern(pattern, path))?.[1]
  const isRouting = service === 'public' && !path.startsWith('/audit/') // the log is a folder of files, as tlog-tiles has it
  if (methods === undefined) {
    // Delegated Routing V1, Error Codes: 400 for an unknown path; its clients read 404 as an empty result.
    return new HttpError(isRouting ? 400 : 404, isRouting ? 'BadRequest' : 'NotFound', 'There is nothing at this path.', { reason: 'http_path' })
  }
  // Delegated Routing V1, Error Codes: 501 for a method that is not supported.
  return new HttpError(isRouting ? 501 : 405, 'Unsupported', `${request.method} is not supported here.`, {
    reason: 'http_method', hint: `Supported: ${[...methods].join(', ')}.`,
  })
}

/** Ours for each request; for the framework itself what it warns of: that a listener listens, its listener says. */
function loggers (log: Logger) {
  const base = log as unknown as FastifyBaseLogger
  return {
    loggerInstance: log.isLevelEnabled('info') ? base.child({}, { level: 'warn' }) : base,
    childLoggerFactory: (_logger: unknown, bindings: object) => base.child(bindings),
  }
}

function logFailure (log: RequestLog, error: DhtError): void {
  if (error.code === 'Internal') log.error({ event: 'request_failed', err: error }, 'request failed')
  else if (error.cause !== undefined && !(error.cause instanceof DhtError)) log.info({ event: 'request_refused', err: error }, 'request refused')
  else log.debug({ code: error.code, reason: error.reason }, 'request refused')
}

/**
 * Reads on for a moment, and throws away what comes: closed at once, the connection would be reset, and a client that is
 * still sending would lose the refusal (RFC 9112 §9.6).
 */
function linger ({ raw }: FastifyRequest, reply: FastifyReply): void {
  reply.removeHeader('connection')
  const ending = setTimeout(() => { if (!raw.complete) raw.socket.destroy() }, LINGER_MS)
  raw.once('close', () => clearTimeout(ending))
}

/** Answers what is not HTTP, has too many headers, or took too long to arrive; there is no request yet to answer. */
function refuseUnparsed (error: Error & { readonly code?: string }, socket: Socket, service: Service, { metrics, log, now }: ServerDeps): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const refusal = unparsed(error.code, service)
  const requestId = randomUUID()
  const { status, headers, body } = toEnvelope(refusal, { requestId, now: now() })
  log.debug({ code: error.code, request_id: requestId }, 'no request could be read') // the error holds raw bytes: maybe a credential
  if (refusal.reason !== undefined) metrics.reject(refusal.reason)
  const payload = JSON.stringify(body)
  const lines = Object.entries({
    ...headers, 'x-request-id': requestId, 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(payload), connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${payload}`)
}

function unparsed (code: string | undefined, service: Service): DhtError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new HttpError(408, 'Timeout', `The request did not arrive within ${READ_TIMEOUT_MS / 1000} seconds.`, { reason: 'slow' })
    case 'HPE_HEADER_OVERFLOW':
      return new HttpError(431, 'BadRequest', `The headers are larger than ${MAX_HEADER_BYTES[service] / 1024} KiB.`, {
        hint: service === 'admin' ? `A capability has at most ${MAX_TOKEN_BYTES / 1024} KiB; send few other headers.` : 'Send fewer or shorter headers.', reason: 'http_header',
      })
    default:
      return new DhtError('BadRequest', 'This is not an HTTP/1.1 request.', { reason: 'decode' })
  }
}
