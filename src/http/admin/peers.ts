import type { FastifyInstance } from 'fastify'
import type { AdminPorts } from './ports.ts'
import type { PeersBody } from './wire.ts'

/** The routing table. */
export function addPeersRoute (app: FastifyInstance, ports: Pick<AdminPorts, 'peers'>): void {
  app.get('/v1/peers', async (): Promise<PeersBody> => ({ peers: ports.peers() }))
}
