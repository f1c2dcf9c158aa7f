import { DhtError, isRetryable } from '../core/errors.ts'
import type { ErrorBody } from '../http/admin/wire.ts'
import { EXIT_OF_CODE, type Exit } from './exit-codes.ts'

interface FailureOptions extends ErrorOptions {
  readonly exit: Exit
  /** The taxonomy's code, or one of ours: `Unreachable`, `BadConfig`. */
  readonly code: string
  /** What the operator can do next. */
  readonly hint?: string | undefined
  readonly retryable?: boolean
  /** Empty when the daemon never saw the request. */
  readonly requestId?: string
}

/** A command that cannot go on: what to tell the operator, and how to end. Carries no stack worth showing. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly exit: Exit
  readonly code: string
  readonly hint: string | undefined
  readonly retryable: boolean
  readonly requestId: string

  constructor (message: string, { exit, code, hint, retryable = false, requestId = '', cause }: FailureOptions) {
    super(message, { cause })
    this.exit = exit
    this.code = code
    this.hint = hint
    this.retryable = retryable
    this.requestId = requestId
  }
}

/** A wrong command line or a wrong value in it. */
export function usageFailure (message: string, hint?: string): Failure {
  return new Failure(message, { exit: 'usage', code: 'BadRequest', hint })
}

/** The daemon's refusal. A code that this ronctl does not know counts as a fault of the daemon. */
export function refusalFailure ({ error }: ErrorBody): Failure {
  return new Failure(error.message, {
    exit: exitOfCode(error.code), code: error.code, hint: error.hint, retryable: error.retryable, requestId: error.request_id,
  })
}

/** Anything thrown, as a failure to report: what is not expected is a fault of ours and keeps its cause. */
export function toFailure (err: unknown): Failure {
  if (err instanceof Failure) return err
  if (err instanceof DhtError) {
    return new Failure(err.message, { exit: EXIT_OF_CODE[err.code], code: err.code, hint: err.hint, retryable: isRetryable(err.code), cause: err })
  }
  return new Failure(`ronctl failed: ${err instanceof Error ? err.message : String(err)}`, { exit: 'internal', code: 'Internal', cause: err })
}

/** The failure as every surface of svc-dht writes errors. `nowMs` since the epoch. */
export function toErrorBody (failure: Failure, nowMs: number): ErrorBody {
  const { code, message, retryable, hint, requestId } = failure
  return {
    error: {
      code, message, retryable, ...(hint !== undefined && { hint }), ts: new Date(nowMs).toISOString(), request_id: requestId,
    },
  }
}

function exitOfCode (code: string): Exit {
  return Object.hasOwn(EXIT_OF_CODE, code) ? EXIT_OF_CODE[code as keyof typeof EXIT_OF_CODE] : 'internal'
}
