import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Admission } from '../../policy/load-monitor.ts'
import type { WorkKind } from '../../policy/load-shedding.ts'

/** Refuses with 503, before any work, what the daemon could not do in time. */
export function shedLoad (app: FastifyInstance, admission: Admission): void {
  app.addHook('onRequest', async request => { admission.admit(kindOf(request)) })
}

/** The closest peers are never known beforehand: each such request is a walk. */
function kindOf ({ method, routeOptions }: FastifyRequest): WorkKind {
  if (method === 'PUT') return 'provide'
  return routeOptions.url?.includes('/closest/') === true ? 'heavy_lookup' : 'lookup'
}
