import type { FastifyInstance } from 'fastify'
import { auditRoutes } from './audit.ts'
import { type PublicDeps, type PublicOptions } from './context.ts'
import { allowAnyOrigin } from './cors.ts'
import { discv5Route } from './discv5.ts'
import { ethereumRoutes } from './ethereum.ts'
import { shedLoad } from './load.ts'
import { openapi } from './openapi.ts'
import { limitRequestRate } from './request-rate.ts'
import { closestPeersRoute } from './routing/v1/dht/closest/peers.ts'
import { ipnsRoutes } from './routing/v1/ipns.ts'
import { peersRoute } from './routing/v1/peers.ts'
import { providersRoute } from './routing/v1/providers.ts'

/** Adds the public API, Delegated Routing V1, the published audit log and their description, to a server. */
export function addPublicApi (app: FastifyInstance, options: PublicOptions, deps: PublicDeps): void {
  const context = { options, deps }
  shedLoad(app, deps.admission)
  limitRequestRate(app, options.requestsPerPrefixPerSecond, { now: deps.now, factor: deps.rateFactor ?? (() => 1) })
  allowAnyOrigin(app)
  providersRoute(app, context)
  peersRoute(app, context)
  ipnsRoutes(app, context)
  closestPeersRoute(app, context)
  auditRoutes(app, deps.audit)
  discv5Route(app, context)
  ethereumRoutes(app, context)
  const description = JSON.stringify(openapi(options))
  app.get('/openapi.json', async (_request, reply) => reply.type('application/json').send(description))
}
