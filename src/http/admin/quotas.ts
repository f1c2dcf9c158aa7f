import type { FastifyInstance } from 'fastify'
import type { AdminPorts } from './ports.ts'
import type { QuotasBody, TopHoldersBody } from './wire.ts'

/** Who holds most records, and how much of each quota a peer uses: why its announcements are refused, if they are. */
export function addQuotasRoutes (app: FastifyInstance, ports: Pick<AdminPorts, 'quotas' | 'topHolders'>): void {
  app.get('/v1/quotas', async (): Promise<TopHoldersBody> => ports.topHolders())
  app.get<{ Params: { peer: string } }>('/v1/quotas/:peer', async (request): Promise<QuotasBody> => ports.quotas(request.params.peer))
}
