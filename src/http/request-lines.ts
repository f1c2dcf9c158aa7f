import type { FastifyRequest } from 'fastify'
import type { Clock } from '../core/component.ts'
import type { Logger } from '../observability/logger.ts'
import { RateLimit } from '../policy/rate-limit.ts'
import type { Service } from './server.ts'

/** A request that is over. */
interface Ended {
  readonly route: string
  readonly code: string
  readonly seconds: number
}

export type RequestLog = Pick<Logger, 'error' | 'info' | 'debug'>

/** Lines a second for requests that nobody was let in with, on one listener; four seconds' worth at once. */
const LINES_OF_STRANGERS_PER_SECOND = 5

/**
 * The log lines of requests. Each request of the admin API has one, which says by whom and how it ended, as long as it is somebody's:
 * strangers must not fill the disk. Of them a few lines a second tell, and the next line says how many were left out. Of the
 * public API only what a fault of ours ended is told. Whatever is refused is counted by reason.
 */
export class RequestLines {
  readonly #service: Service
  readonly #deps: { readonly isDebugged: boolean, readonly now: Clock }
  readonly #strangers = new RateLimit({ perSecond: LINES_OF_STRANGERS_PER_SECOND, parties: 1 })
  #untold = 0

  constructor (service: Service, deps: { readonly isDebugged: boolean, readonly now: Clock }) {
    this.#service = service
    this.#deps = deps
  }

  write (request: FastifyRequest, { route, code, seconds }: Ended): void {
    const isTold = this.#isTold(request, code)
    if (!isTold && !this.#deps.isDebugged) return
    const log: RequestLog = request.log
    const line = {
      surface: this.#service, method: request.method, route, status: code, latency_ms: Math.round(seconds * 1e6) / 1000, principal: request.principal?.id, reason: request.failure,
    }
    if (!isTold) return log.debug(line, 'request')
    log.info({ event: 'request', ...line, untold: this.#untold === 0 ? undefined : this.#untold }, 'request')
    this.#untold = 0
  }

  #isTold ({ principal }: FastifyRequest, code: string): boolean {
    if (code === '500') return true
    if (this.#service !== 'admin') return false
    if (principal !== undefined || this.#strangers.take('strangers', this.#deps.now()) === 0) return true
    this.#untold++
    return false
  }
}
