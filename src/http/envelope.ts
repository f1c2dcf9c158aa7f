import type { IncomingMessage } from 'node:http'
import { DhtError, isRetryable, type DhtErrorOptions, type ErrorCode } from '../core/errors.ts'
import type { ErrorBody } from './admin/wire.ts'

const STATUS = {
  BadRequest: 400,
  NoCapability: 403,
  NotFound: 404,
  Conflict: 409,
  TooLarge: 413,
  Backpressure: 429,
  Unsupported: 400,
  StoreUnavailable: 503,
  AttestationMissing: 403,
  PqRequired: 403,
  QuorumNotMet: 409,
  NotReady: 503,
  Timeout: 504,
  DegradedAudit: 503,
  ExportForbidden: 403,
  Internal: 500,
} satisfies Record<ErrorCode, number> // a new code does not compile until it has a status

/** What `Retry-After` says when the failure itself does not know better. */
const RETRY_AFTER_MS = 1000

/** A refusal whose status a specification fixes, where that differs from the status of its code. */
export class HttpError extends DhtError {
  readonly status: number

  constructor (status: number, code: ErrorCode, message: string, options: DhtErrorOptions = {}) {
    super(code, message, options)
    this.status = status
  }
}

export interface Envelope {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: ErrorBody
}

/** The one place where a failure becomes a status, headers and a body. No cache may keep any of them. */
export function toEnvelope (error: DhtError, context: { readonly requestId: string, readonly now: number }): Envelope {
  const status = error instanceof HttpError ? error.status : STATUS[error.code]
  const mayRetry = status === 429 || status === 503
  return {
    status,
    headers: {
      'cache-control': 'no-store',
      ...(mayRetry ? { 'retry-after': String(Math.ceil((error.retryAfterMs ?? RETRY_AFTER_MS) / 1000)) } : {}),
    },
    body: {
      error: {
        code: error.code,
        message: error.message,
        retryable: isRetryable(error.code),
        ...(error.hint === undefined ? {} : { hint: error.hint }),
        ts: new Date(context.now).toISOString(),
        request_id: context.requestId,
      },
    },
  }
}

/**
 * What a handler or the framework threw, as one of our failures. Anything that is not expected is a bug: the client
 * learns that it happened, the log gets the cause.
 */
export function toDhtError (thrown: unknown, request: IncomingMessage): DhtError {
  if (thrown instanceof DhtError) return thrown
  // No handler has run: what was thrown is the broken connection.
  if (!request.complete && request.destroyed) return new DhtError('BadRequest', 'The body did not arrive whole.', { reason: 'http_body' })
  return fromFramework(thrown) ?? new DhtError('Internal', 'Something went wrong on our side.', { cause: thrown })
}

/** Refusals of fastify itself, by its error code; `FST_ERR_*` never comes from a handler. */
function fromFramework (thrown: unknown): DhtError | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined
  switch (thrown.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new DhtError('TooLarge', 'The body is larger than 1 MiB.', { reason: 'http_body' })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new HttpError(415, 'Unsupported', 'The content type is missing or not supported here.', { hint: 'Send the Content-Type that this path takes: application/json on the admin API.', reason: 'http_type' })
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return new DhtError('BadRequest', 'The body is not valid JSON.', { hint: 'Send one JSON value, without a field "__proto__" or "constructor".', reason: 'http_body' })
    case 'FST_ERR_VALIDATION':
      return new DhtError('BadRequest', `Not valid: ${thrown.message}.`, { reason: 'http_body' })
    case 'FST_ERR_BAD_URL':
      return new DhtError('BadRequest', 'The URL is not validly encoded.', { reason: 'http_path' })
    default:
      return undefined
  }
}
