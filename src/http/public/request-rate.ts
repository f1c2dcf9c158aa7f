import type { FastifyInstance } from 'fastify'
import type { Clock } from '../../core/component.ts'
import { DhtError } from '../../core/errors.ts'
import { quotaPrefix } from '../../policy/ip-group.ts'
import { RateLimit } from '../../policy/rate-limit.ts'

/** Everybody on this machine is one party; behind a proxy on it, that is everybody. */
const LOOPBACK = 'loopback'

/** Refuses with 429, before any work, what an IP prefix asks beyond its rate, of which the policy in force leaves `factor`. */
export function limitRequestRate (app: FastifyInstance, perSecond: number, { now, factor }: { readonly now: Clock, readonly factor: () => number }): void {
  const rate = new RateLimit({ perSecond })
  app.addHook('onRequest', async request => {
    const retryAfterMs = rate.take(quotaPrefix(request.ip) ?? LOOPBACK, now(), perSecond * factor())
    if (retryAfterMs > 0) throw new DhtError('Backpressure', 'Too many requests from your network.', { retryAfterMs, reason: 'http_rate' })
  })
}
