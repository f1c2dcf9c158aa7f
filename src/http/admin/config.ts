import type { FastifyInstance } from 'fastify'
import type { AdminPorts } from './ports.ts'
import type { ConfigBody, ConfigDigestBody } from './wire.ts'

/** The effective configuration, and the digest by which daemons are compared. */
export function addConfigRoutes (app: FastifyInstance, { config }: Pick<AdminPorts, 'config'>): void {
  app.get('/v1/config', async (): Promise<ConfigBody> => ({ digest: config.digest, settings: config.settings, drift: config.drift }))
  app.get('/v1/config/digest', async (): Promise<ConfigDigestBody> => ({ digest: config.digest }))
}
