import type { FastifyInstance } from 'fastify'
import { DhtError } from '../../core/errors.ts'
import { addAuditRoutes } from './audit.ts'
import { addAuditKeysRoute } from './audit-keys.ts'
import { addBanRoutes } from './bans.ts'
import { addCapRoutes } from './caps.ts'
import { addConfigRoutes } from './config.ts'
import { addDegradedRoutes } from './degraded.ts'
import { addDiscv5Routes } from './discv5.ts'
import { addEventsRoute } from './events.ts'
import { addGovernanceRoutes } from './governance.ts'
import { addLookupRoutes } from './lookups.ts'
import { addMembershipRoutes } from './membership.ts'
import { addOverviewRoute } from './overview.ts'
import { addPeersRoute } from './peers.ts'
import { addPolicyRoutes } from './policy.ts'
import type { AdminPorts } from './ports.ts'
import { addProviderRoutes } from './providers.ts'
import { addQuotasRoutes } from './quotas.ts'
import { addRecordsRoute } from './records.ts'
import { addStatusRoute } from './status.ts'
import { addTopicRoutes } from './topics.ts'

/**
 * The admin API. What each route asks of a capability is in the table of permissions (policy/permissions.ts), and the wall before it asks.
 */
export function registerAdminRoutes (app: FastifyInstance, ports: AdminPorts): void {
  acceptOnlyJson(app)
  addStatusRoute(app, ports)
  addOverviewRoute(app, ports)
  addPeersRoute(app, ports)
  addRecordsRoute(app, ports)
  addQuotasRoutes(app, ports)
  addProviderRoutes(app, ports)
  addCapRoutes(app, ports)
  addConfigRoutes(app, ports)
  addDegradedRoutes(app, ports)
  addLookupRoutes(app, ports)
  addAuditRoutes(app, ports)
  addAuditKeysRoute(app, ports)
  addEventsRoute(app, ports)
  addGovernanceRoutes(app, ports)
  addMembershipRoutes(app, ports)
  addDiscv5Routes(app, ports)
  addTopicRoutes(app, ports)
  addBanRoutes(app, ports)
  addPolicyRoutes(app, ports)
}

function acceptOnlyJson (app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain') // fastify reads it unless told otherwise
  app.addContentTypeParser('*', async () => {
    throw new DhtError('BadRequest', 'The body is not declared as JSON.', { hint: 'Send it with Content-Type: application/json.', reason: 'http_type' })
  })
}
