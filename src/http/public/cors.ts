import type { FastifyInstance } from 'fastify'

/**
 * Delegated Routing V1, CORS and Web Browsers: any page may ask and read every answer, also refusals. Nothing here
 * depends on who asks, so there is nothing that a foreign page could take.
 */
export function allowAnyOrigin (app: FastifyInstance): void {
  app.addHook('onSend', async (_request, reply) => {
    reply.headers({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, PUT, OPTIONS',
      'access-control-expose-headers': 'Etag, Last-Modified, Retry-After, Routing-Truncated, X-Request-Id',
    })
  })
  app.options('*', async (_request, reply) => reply.code(204).headers({
    'access-control-allow-headers': 'Accept, Content-Type, If-Modified-Since, If-None-Match',
    'access-control-max-age': '86400',
  }).send())
}
