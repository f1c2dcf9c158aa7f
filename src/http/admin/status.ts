import type { FastifyInstance } from 'fastify'
import type { AdminPorts } from './ports.ts'
import type { StatusBody } from './wire.ts'

/** What the daemon is, whether it is ready, and how full it is. */
export function addStatusRoute (app: FastifyInstance, ports: Pick<AdminPorts, 'status'>): void {
  app.get('/v1/status', async (): Promise<StatusBody> => ports.status())
}
