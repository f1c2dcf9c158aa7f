import type { FastifyInstance } from 'fastify'
import type { AdminPorts } from './ports.ts'
import type { QuotasBody } from './wire.ts'

/** How much of each quota a peer uses: why its announcements are refused, if they are. */
export function addQuotasRoute (app: FastifyInstance, ports: Pick<AdminPorts, 'quotas'>): void {
  app.get<{ Params: { peer: string } }>('/v1/quotas/:peer', async (request): Promise<QuotasBody> => ports.quotas(request.params.peer))
}
