import type { AuditLog } from '../audit/log.ts'
import type { Drift } from '../config/drift.ts'
import type { Config } from '../config/settings.ts'
import { configDigest, redactConfig } from '../config/view.ts'
import type { ReadinessReport } from '../core/readiness.ts'
import type { Tracer } from '../core/span.ts'
import type { Governance } from '../governance/engine.ts'
import type { AuditKeysPort } from '../http/admin/audit-keys.ts'
import { toRecord } from '../http/admin/discv5.ts'
import { EventHub } from '../http/admin/event-hub.ts'
import { proposalIdOf } from '../http/admin/governance.ts'
import type { AdminPorts } from '../http/admin/ports.ts'
import { toPeers, toQuotasBody, toRecords, toStatusBody } from '../http/admin/present.ts'
import { ReadinessWatch } from '../http/admin/readiness-watch.ts'
import { registerAdminRoutes } from '../http/admin/routes.ts'
import { AdminSocket } from '../http/admin/socket.ts'
import type { Discv5RecordEvent } from '../http/admin/wire-discv5.ts'
import { HttpListener } from '../http/listener.ts'
import { addOpsApi } from '../http/ops/ops-api.ts'
import { DaemonStatus } from '../http/ops/status/daemon-status.ts'
import { StatusHistory } from '../http/ops/status/history.ts'
import { addStatusPage } from '../http/ops/status/status-page.ts'
import type { PublicNode } from '../http/public/discv5.ts'
import { addPublicApi } from '../http/public/public-api.ts'
import { createServer } from '../http/server.ts'
import { Certificates } from '../http/tls.ts'
import { raiseWall } from '../http/wall.ts'
import { Lookup } from '../lookup/lookup.ts'
import { ValueLookup } from '../lookup/value-lookup.ts'
import type { Surface } from '../policy/permissions.ts'
import { RateLimit } from '../policy/rate-limit.ts'
import type { Surroundings } from './surroundings.ts'
import type { Capabilities } from './capabilities.ts'
import type { Discv5Plane } from './discv5.ts'
import type { Guards } from './guards.ts'
import { policyPorts } from './policy-ports.ts'
import type { KadPlane } from './kad.ts'

/** An hour of samples at this pace: what the status page plots. */
const STATUS_PACE = { intervalMs: 5000, limit: 720 }

/** What a slow reader of events may be behind, and a late one may ask for. */
const EVENTS_KEPT = { limit: 1000, limitBytes: 8 * 1024 * 1024 }

interface HttpDeps {
  readonly kad: KadPlane
  readonly discv5: Discv5Plane
  readonly guards: Guards
  readonly capabilities: Capabilities
  readonly audit: AuditLog
  readonly auditKeys: AuditKeysPort
  readonly readiness: () => ReadinessReport
  readonly governance: Governance
  readonly tracer: Tracer | undefined
  /** What is in force now. */
  readonly config: () => Config
  readonly drift: () => Readonly<Record<string, Drift>>
}

/** The three listeners. A listener whose address is empty is left out. */
export function composeHttp (config: Config, surroundings: Surroundings, { kad, discv5, guards, capabilities, audit, auditKeys, governance, readiness, tracer, config: inForce, drift }: HttpDeps) {
  const { adminSocket, version, metrics, log, now } = surroundings
  const drainTimeoutMs = config.node.drainTimeout
  const digest = (): string => configDigest(inForce())
  const deps = { metrics: metrics.http, log: log.child({ component: 'http' }), now }
  const limits = { deadlineMs: config.lookup.deadline, concurrent: config.lookup.concurrent }
  const lookup = new Lookup({
    ...limits, cacheEntries: config.lookup.cacheEntries, cacheTtlMs: config.lookup.cacheTtl, cacheEmptyTtlMs: config.lookup.cacheEmptyTtl,
  }, { planes: [kad.overlay], admits: id => kad.members.admits(id, 'record'), metrics: metrics.lookup, log, now })
  const values = new ValueLookup(limits, { plane: kad.overlay, metrics: metrics.lookup })

  const { admission, policy, writes } = guards
  const wallDeps = { authorizer: capabilities.authority, policy, admission, writes, rate: new RateLimit({ perSecond: config.admin.requestsPerPrincipalPerSecond }), proposalId: (name: string) => proposalIdOf(governance, name), onLapse: (reason: string) => metrics.http.lapsed.inc({ reason }), now: capabilities.now }
  const serverFor = (surface: Surface, inFlight: number, tls?: Certificates) => {
    const app = createServer({ service: surface, inFlight, tls }, surface === 'ops' ? deps : { ...deps, tracer }) // a scrape every few seconds is no trace to look at
    raiseWall(app, { surface }, wallDeps)
    return app
  }
  const publicApp = serverFor('public', config.public.inFlight)
  addPublicApi(publicApp, { ...config.public, closestPeers: config.kad.bucketSize, recordTtlMs: config.providers.ttl }, { lookup, values, audit, admission, node: publicNode(kad, discv5), rateFactor: () => policy.rateFactor, now })

  const opsApp = serverFor('ops', Number.POSITIVE_INFINITY)
  const features = [config.node.profile, ...kad.transports, ...discv5.features]
  addOpsApi(opsApp, { version: { version: version.version, git_sha: version.gitSha, features, get config_digest () { return digest() } }, readiness, metrics })

  const source = new DaemonStatus({
    version: version.version, profile: config.node.profile, protocol: config.kad.protocol, get configDigest () { return digest() }, bucketSize: config.kad.bucketSize, startedAt: now(),
  }, { readiness, inspection: kad.inspection, audit, discv5: discv5.engine, governance, metrics, now })
  const history = new StatusHistory(STATUS_PACE, { source, onFailure: err => log.error({ event: 'status_figures_failed', err }, 'the status page has no figures') })
  addStatusPage(opsApp, { source, history })

  const { events, readinessWatch } = composeEvents(surroundings, { audit, readiness })
  const { tlsCert, tlsKey, tlsClientCa } = config.admin
  const certificates = tlsCert === '' ? undefined : new Certificates({ certFile: tlsCert, keyFile: tlsKey, clientCaFile: tlsClientCa }, deps)
  const ports = adminPorts(config, surroundings, { kad, discv5, guards, capabilities, audit, auditKeys, governance, readiness, tracer, config: inForce, drift, lookup, events, overview: source })
  const [socketApp, adminApp] = [serverFor('admin', config.admin.inFlight), serverFor('admin', config.admin.inFlight, certificates)]
  for (const app of [socketApp, adminApp]) registerAdminRoutes(app, ports)

  const listenerFor = (service: Surface, app: typeof publicApp) => config[service].listen === ''
    ? []
    : [new HttpListener({ service, listen: config[service].listen, drainTimeoutMs, isSecure: service === 'admin' && certificates !== undefined }, { app, log: deps.log })]
  return {
    public: listenerFor('public', publicApp),
    ops: [history, readinessWatch, ...listenerFor('ops', opsApp)],
    socket: new AdminSocket({ path: adminSocket, drainTimeoutMs }, { app: socketApp, log: deps.log }),
    admin: listenerFor('admin', adminApp),
    reloadCertificates: () => certificates?.reload() ?? false,
    applyLookup: ({ deadline, concurrent }: Config['lookup']) => {
      lookup.apply({ deadlineMs: deadline, concurrent })
      values.apply({ deadlineMs: deadline, concurrent })
    },
  }
}

function publicNode ({ host }: KadPlane, { engine }: Discv5Plane): PublicNode | undefined {
  return engine && { peerId: host.peerId.toString(), record: () => engine.ownRecord(), multiaddrs: () => host.getMultiaddrs().map(String), listening: () => engine.listening() }
}

/** What the daemon tells those who watch it. */
function composeEvents ({ metrics, now }: Surroundings, { audit, readiness }: Pick<HttpDeps, 'audit' | 'readiness'>) {
  const events = new EventHub(EVENTS_KEPT, { onLagged: () => metrics.http.busLagged.inc({ service: 'admin' }) })
  audit.subscribe(entry => events.publish({ topic: 'audit', entry }, Date.parse(entry.ts)))
  return { events, readinessWatch: new ReadinessWatch({ intervalMs: 1000 }, { readiness, events, now }) }
}

/** The records that discv5 discovers, in a ring of their own: there may be many, and they must not push out what else happened. */
function composeDiscovered ({ metrics, now }: Surroundings, { engine }: Discv5Plane): EventHub<Discv5RecordEvent> {
  const discovered = new EventHub<Discv5RecordEvent>(EVENTS_KEPT, { onLagged: () => metrics.http.busLagged.inc({ service: 'admin' }) })
  engine?.onDiscovered(record => discovered.publish({ topic: 'record', record: toRecord(record) }, now()))
  return discovered
}

function adminPorts (config: Config, surroundings: Surroundings, { kad, discv5, guards, capabilities, audit, auditKeys, governance, readiness, config: inForce, drift, lookup, events, overview }: HttpDeps & Pick<AdminPorts, 'overview'> & { readonly lookup: Lookup, readonly events: EventHub }): AdminPorts {
  const { version, now } = surroundings
  const startedAt = now()
  const { inspection } = kad
  return {
    status: () => toStatusBody({
      ...version,
      ...inspection.totals(),
      profile: config.node.profile,
      protocol: config.kad.protocol,
      configDigest: configDigest(inForce()),
      readiness: readiness(),
      uptimeMs: now() - startedAt,
      rssBytes: process.memoryUsage.rss(),
    }),
    peers: () => toPeers(inspection.peers()),
    records: key => toRecords(inspection.records(key)),
    quotas: peer => toQuotasBody(inspection.quotas(peer)),
    topHolders: () => inspection.topHolders(),
    announcer: kad.announcer,
    caps: capabilities.caps,
    now,
    lookup,
    degraded: guards.degraded,
    overview,
    ...policyPorts(guards, governance, inForce),
    audit,
    auditKeys,
    actions: audit,
    events,
    governance,
    discv5: discv5.engine,
    discovered: composeDiscovered(surroundings, discv5),
    bans: discv5.engine?.name !== 'native' ? [] : [{ plane: 'discv5', keeper: discv5.engine }],
    config: { get digest () { return configDigest(inForce()) }, get settings () { return redactConfig(inForce()) }, get drift () { return drift() } },
  }
}
