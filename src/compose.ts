import { join } from 'node:path'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { AuditLog } from './audit/log.ts'
import { DiskLogStorage } from './audit/storage/disk.ts'
import { MemoryLogStorage } from './audit/storage/memory.ts'
import { changeConfig, type Changes } from './config/change.ts'
import { composeDiscv5, type Discv5Plane } from './compose-discv5.ts'
import type { Config } from './config/settings.ts'
import { configDigest, redactConfig } from './config/view.ts'
import type { Version } from './config/version.ts'
import type { Clock, Component } from './core/component.ts'
import { Lifecycle } from './core/lifecycle.ts'
import { reportReadiness, type ReadinessCheck, type ReadinessReport } from './core/readiness.ts'
import type { AdminPorts } from './http/admin/ports.ts'
import { toPeers, toQuotasBody, toRecords, toStatusBody } from './http/admin/present.ts'
import { registerAdminRoutes } from './http/admin/routes.ts'
import { AdminSocket } from './http/admin/socket.ts'
import { HttpListener } from './http/listener.ts'
import { addOpsApi } from './http/ops/ops-api.ts'
import { DaemonStatus } from './http/ops/status/daemon-status.ts'
import { StatusHistory } from './http/ops/status/history.ts'
import { addStatusPage } from './http/ops/status/status-page.ts'
import { addPublicApi } from './http/public/public-api.ts'
import { createServer } from './http/server.ts'
import { raiseWall, type Authorizer } from './http/wall.ts'
import { usableAddresses } from './kad/addresses.ts'
import { Announcer } from './kad/announcer.ts'
import { Bootstrap } from './kad/bootstrap.ts'
import { Engine } from './kad/engine.ts'
import { createHost, type Host, type HostDeps } from './kad/host.ts'
import { Inspection } from './kad/inspection.ts'
import { KadOverlay } from './kad/overlay.ts'
import { ProviderRecords } from './kad/provider/provider-records.ts'
import { FileJournal } from './kad/provider/store/journal/file-journal.ts'
import type { Journal } from './kad/provider/store/journal/journal.ts'
import { WorkerThread } from './kad/provider/store/journal/thread.ts'
import { MemoryProviderStore } from './kad/provider/store/memory.ts'
import { DAEMON_PACE, PersistentProviderStore } from './kad/provider/store/persistent.ts'
import type { ProviderStore } from './kad/provider/store/store.ts'
import { Publisher } from './kad/publisher.ts'
import { AddressBook } from './kad/routing/address-book.ts'
import { DiversityCount } from './kad/routing/diversity.ts'
import { RememberedPeers } from './kad/routing/remembered-peers.ts'
import { RoutingView } from './kad/routing/routing-view.ts'
import { keepTable } from './kad/routing/table-keeper.ts'
import { TableRefresh } from './kad/routing/table-refresh.ts'
import { applySettings, type PlaneSettings } from './kad/plane-settings.ts'
import { answerAddProvider } from './kad/rpc/add-provider.ts'
import { RpcClient } from './kad/rpc/client.ts'
import { answerFindNode } from './kad/rpc/find-node.ts'
import { answerGetProviders } from './kad/rpc/get-providers.ts'
import { answerGetValue } from './kad/rpc/get-value.ts'
import { answerPing } from './kad/rpc/ping.ts'
import { answerPutValue } from './kad/rpc/put-value.ts'
import { RpcServer } from './kad/rpc/server.ts'
import { selfLookupDone, tableWarmth } from './kad/table-readiness.ts'
import { ValueStore } from './kad/value/value-store.ts'
import type { IdentityKey } from './kms/identity.ts'
import { createEphemeralNoteKeys, deriveNoteKeys } from './kms/note-keys.ts'
import { Lookup } from './lookup/lookup.ts'
import { ValueLookup } from './lookup/value-lookup.ts'
import type { Logger } from './observability/logger.ts'
import type { Metrics } from './observability/metrics.ts'
import { FileDegradation, ForgottenDegradation } from './policy/degradation-store.ts'
import { DegradedMode } from './policy/degraded-mode.ts'
import { ASN_DATABASE, COUNTRY_DATABASE, IpDatabase } from './policy/ip-database.ts'
import { LoadMonitor, type Admission } from './policy/load-monitor.ts'
import type { Surface } from './policy/permissions.ts'
import { PROFILE_NAMES } from './policy/policy.ts'
import { PolicyHolder } from './policy/policy-holder.ts'
import { WritableAdmission, WriteGate } from './policy/write-gate.ts'

/** What a daemon gets from where it runs. */
export interface Surroundings {
  readonly identity: IdentityKey
  readonly version: Version
  readonly adminSocket: string
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: Clock
  readonly transports?: HostDeps['transports']
}

/** IPFS kad-dht: addresses of a peer are told for 24 h after they were heard. */
const ADDRESS_VALIDITY_MS = 24 * 3_600_000
const ADDRESS_BOOK_PEERS = 10_000

/** An hour of samples at this pace: what the status page plots. */
const STATUS_PACE = { intervalMs: 5000, limit: 720 }

/** A running daemon. Disposing of it stops it, at most its drain timeout later. */
export interface Daemon extends AsyncDisposable {
  readonly peerId: string
  /** Multiaddrs that others may dial. */
  addresses (): string[]
  /** The record of the discv5 node; undefined when there is none. */
  enr (): string | undefined
  readonly publicUrl: string | undefined
  readonly opsUrl: string | undefined
  readonly adminSocket: string
  readiness (): ReadinessReport
  /** Puts another bootstrap set in force. */
  bootstrapFrom (addresses: readonly string[]): void
  /**
   * Puts other values in force, all of them or none, without a restart.
   * @throws {DhtError} BadRequest for what the settings table does not allow
   */
  apply (changes: Changes): void
}

/** Builds a daemon and starts it. A start that fails has stopped what was running already. */
export async function startDaemon (config: Config, surroundings: Surroundings): Promise<Daemon> {
  const { adminSocket, metrics, version } = surroundings
  const load = new LoadMonitor({ toleratedLagMs: config.node.toleratedLag }, { onLag: seconds => metrics.node.lag.set(seconds) })
  const audit = composeAudit(config, surroundings, peerIdFromPrivateKey(privateKeyFromRaw(surroundings.identity.ed25519Key())).toString())
  const guards = composeGuards(config, surroundings, { load, audit })
  const { policy, degraded } = guards
  const kad = await composeKad(config, surroundings, guards.admission, policy)
  const discv5 = await composeDiscv5(config, surroundings, kad.host)
  let inForce = config
  const lifecycle = new Lifecycle()
  const readiness = (): ReadinessReport => ({
    ...reportReadiness([lifecycle, policy, audit, ...kad.checks]), ...(degraded.current !== undefined && { degraded: degraded.current.reason }),
  })
  const digest = configDigest(config)
  metrics.node.build.set({ version: version.version, git_sha: version.gitSha }, 1)
  metrics.node.config.set({ digest }, 1)

  const http = composeHttp(config, surroundings, { kad, discv5, guards, audit, readiness, digest })
  const running = await startAll([load, ...guards.databases, degraded, ...http.ops, audit, ...kad.components, ...discv5.components, ...http.public, http.admin, lifecycle])
  return {
    peerId: kad.host.peerId.toString(),
    addresses: () => kad.host.getMultiaddrs().map(String),
    enr: () => discv5.engine?.ownRecord().text,
    publicUrl: http.public[0]?.address,
    opsUrl: http.ops.find(part => part instanceof HttpListener)?.address,
    adminSocket,
    readiness,
    bootstrapFrom: addresses => kad.bootstrap.replace(addresses),
    apply: changes => {
      const next = changeConfig(inForce, changes)
      if (changes.kad?.bootstrap !== undefined) kad.bootstrap.replace(changes.kad.bootstrap) // the only one that may refuse
      kad.apply(next)
      http.applyLookup(next.lookup)
      inForce = next
    },
    [Symbol.asyncDispose]: async () => await running[Symbol.asyncDispose](),
  }
}

type KadPlane = Awaited<ReturnType<typeof composeKad>>

/** Until capabilities are issued, the permissions of the admin socket are its authentication: whoever opens it is the operator. */
const SOCKET_OPERATOR: Authorizer = {
  authorize: () => ({ id: 'operator', capabilityId: 'unix-socket', requestsPerSecond: undefined }),
}

/** What stands before the work on every surface: the policy, degraded mode, load. */
function composeGuards ({ policy: rules, node }: Config, { metrics }: Surroundings, { load, audit }: { readonly load: Admission, readonly audit: AuditLog }) {
  const database = <T>(path: string, kind: { readonly type: RegExp, readonly pick: (record: unknown) => T | undefined }) =>
    path === '' ? undefined : new IpDatabase<T>({ ...kind, path, intervalMs: rules.databaseInterval })
  const asn = database(rules.asnDatabase, ASN_DATABASE)
  const country = database(rules.countryDatabase, COUNTRY_DATABASE)
  const policy = new PolicyHolder({
    profile: rules.profile,
    allow: { peers: rules.allowPeers, prefixes: rules.allowPrefixes, asns: rules.allowAsns.map(Number), countries: rules.allowCountries },
    deny: { peers: rules.denyPeers, prefixes: rules.denyPrefixes, asns: rules.denyAsns.map(Number), countries: rules.denyCountries },
  }, {
    sources: { asn, country },
    onProfile: active => { for (const profile of PROFILE_NAMES) metrics.policy.profile.set({ profile }, profile === active ? 1 : 0) },
  })
  const degraded = new DegradedMode({
    store: node.profile === 'macronode' && node.dataDir !== '' ? new FileDegradation(node.dataDir) : new ForgottenDegradation(),
    actions: audit,
  })
  const writes = new WriteGate([degraded, { kind: 'audit', reason: () => audit.reason() }])
  const databases = [asn, country].filter(part => part !== undefined)
  return { policy, degraded, writes, databases, admission: new WritableAdmission(load, writes) }
}

interface HttpDeps {
  readonly kad: KadPlane
  readonly discv5: Discv5Plane
  readonly guards: ReturnType<typeof composeGuards>
  readonly audit: AuditLog
  readonly readiness: () => ReadinessReport
  readonly digest: string
}

/** The three listeners. A listener whose address is empty is left out. */
function composeHttp (config: Config, surroundings: Surroundings, { kad, discv5, guards, audit, readiness, digest }: HttpDeps) {
  const { adminSocket, version, metrics, log, now } = surroundings
  const drainTimeoutMs = config.node.drainTimeout
  const deps = { metrics: metrics.http, log: log.child({ component: 'http' }), now }
  const limits = { deadlineMs: config.lookup.deadline, concurrent: config.lookup.concurrent }
  const lookup = new Lookup({
    ...limits, cacheEntries: config.lookup.cacheEntries, cacheTtlMs: config.lookup.cacheTtl, cacheEmptyTtlMs: config.lookup.cacheEmptyTtl,
  }, { planes: [kad.overlay], metrics: metrics.lookup, log, now })
  const values = new ValueLookup(limits, { plane: kad.overlay, metrics: metrics.lookup })

  const { admission, policy, writes } = guards
  const wallDeps = { authorizer: SOCKET_OPERATOR, policy, admission, writes, now }
  const serverFor = (surface: Surface, inFlight: number) => {
    const app = createServer({ service: surface, inFlight }, deps)
    raiseWall(app, { surface, requestsPerSecond: config.admin.requestsPerPrincipalPerSecond }, wallDeps)
    return app
  }
  const publicApp = serverFor('public', config.public.inFlight)
  addPublicApi(publicApp, { ...config.public, closestPeers: config.kad.bucketSize, recordTtlMs: config.providers.ttl }, { lookup, values, audit, admission, rateFactor: () => policy.rateFactor, now })

  const opsApp = serverFor('ops', Number.POSITIVE_INFINITY)
  const features = [config.node.profile, ...kad.transports, ...discv5.features]
  addOpsApi(opsApp, { version: { version: version.version, git_sha: version.gitSha, features, config_digest: digest }, readiness, metrics })

  const source = new DaemonStatus({
    version: version.version, profile: config.node.profile, protocol: config.kad.protocol, configDigest: digest, bucketSize: config.kad.bucketSize, startedAt: now(),
  }, { readiness, inspection: kad.inspection, metrics, now })
  const history = new StatusHistory(STATUS_PACE, { source, onFailure: err => log.error({ err }, 'the status page has no figures') })
  addStatusPage(opsApp, { source, history })

  const adminApp = serverFor('admin', config.admin.inFlight)
  registerAdminRoutes(adminApp, adminPorts(config, surroundings, { kad, discv5, guards, audit, readiness, digest, lookup }))

  const listenerFor = (service: 'public' | 'ops', app: typeof publicApp) => config[service].listen === ''
    ? []
    : [new HttpListener({ service, listen: config[service].listen, drainTimeoutMs }, { app, log: deps.log })]
  return {
    public: listenerFor('public', publicApp),
    ops: [history, ...listenerFor('ops', opsApp)],
    admin: new AdminSocket({ path: adminSocket, drainTimeoutMs }, { app: adminApp, log: deps.log }),
    applyLookup: ({ deadline, concurrent }: Config['lookup']) => {
      lookup.apply({ deadlineMs: deadline, concurrent })
      values.apply({ deadlineMs: deadline, concurrent })
    },
  }
}

function adminPorts (config: Config, { version, now }: Surroundings, { kad, guards, readiness, digest, lookup }: HttpDeps & { readonly lookup: Lookup }): AdminPorts {
  const startedAt = now()
  const { inspection } = kad
  return {
    status: () => toStatusBody({
      ...version,
      ...inspection.totals(),
      profile: config.node.profile,
      protocol: config.kad.protocol,
      configDigest: digest,
      readiness: readiness(),
      uptimeMs: now() - startedAt,
      rssBytes: process.memoryUsage.rss(),
    }),
    peers: () => toPeers(inspection.peers()),
    records: key => toRecords(inspection.records(key)),
    quotas: peer => toQuotasBody(inspection.quotas(peer)),
    announcer: kad.announcer,
    lookup,
    degraded: guards.degraded,
    config: { digest, settings: redactConfig(config) },
  }
}

/** The Kademlia plane: host, server, records and what lookups and operators see of them. Nothing of it is started. */
export async function composeKad (config: Config, surroundings: Surroundings, admission: Admission, policy?: PolicyHolder) {
  const { identity, version, log: parentLog, metrics, now } = surroundings
  const { kad, providers, values: valueLimits } = config
  const log = parentLog.child({ component: 'kad' })
  const scope = kad.addresses
  const { host, transports } = await createHost({ ...kad, version: version.version }, {
    identity, registry: metrics.registry, log, transports: surroundings.transports, gate: policy, onRefused: reason => metrics.kad.reject(reason),
  })
  const self = host.peerId
  const selfBytes = self.toMultihash().bytes
  const ownAddresses = () => usableAddresses(host.getMultiaddrs().map(({ bytes }) => bytes), self.toString(), scope)

  const engine = new Engine(host)
  const view = new RoutingView({ count: kad.bucketSize, self: selfBytes })
  const book = new AddressBook({ limit: ADDRESS_BOOK_PEERS, validityMs: ADDRESS_VALIDITY_MS }, { now })
  const diversity = new DiversityCount({ inTable: kad.peersPerIpGroup, inBucket: kad.peersPerIpGroupInBucket })
  keepTable({ scope, bucketSize: kad.bucketSize }, { host, engine, view, diversity, book, metrics: metrics.kad, log, now })

  const { store, journal, stored, announcedBefore } = composeStore(config, { log, metrics, now })
  const remembered = journal === undefined ? [] : [new RememberedPeers({ journal, view, host, engine, log })]
  const records = new ProviderRecords({ ...providers, ttlMs: providers.ttl }, { store, metrics: metrics.providers, now })
  const values = new ValueStore({ ...valueLimits, ttlMs: valueLimits.ttl }, { metrics: metrics.kad, now })
  const client = new RpcClient({ protocol: kad.protocol }, { host, metrics: metrics.kad })
  const refresh = new TableRefresh({ intervalMs: kad.tableRefreshInterval }, { view, engine, client, metrics: metrics.kad, log, now })
  const publisher = new Publisher({ engine, client, log })
  const overlay = new KadOverlay({ scope }, { self, ownAddresses, engine, view, book, records, values, publisher, now })
  const announcer = new Announcer({
    ttlMs: providers.ttl, maxTtlMs: providers.maxTtl, republishPercent: providers.republishFraction, limit: providers.announced,
  }, { self: selfBytes, addresses: ownAddresses, records, publisher, announcedBefore, metrics: metrics.kad, log, now })
  const bootstrap = new Bootstrap({
    scope,
    peers: kad.bootstrap,
    probeIntervalMs: kad.bootstrapProbeInterval,
    lapseMs: kad.bootstrapLapse,
  }, { host, engine, client, metrics: metrics.kad, log, now })
  const server = new RpcServer({ ...kad, readTimeoutMs: kad.readTimeout, idleTimeoutMs: kad.idleTimeout }, {
    host,
    handlers: {
      PUT_VALUE: answerPutValue({ values }),
      GET_VALUE: answerGetValue({ values, view }),
      ADD_PROVIDER: answerAddProvider({ records, scope }),
      GET_PROVIDERS: answerGetProviders({ records, view }),
      FIND_NODE: answerFindNode({ view, knownPeer: id => overlay.knownPeer(id) }),
      PING: answerPing,
    },
    admission,
    policy,
    metrics: metrics.kad,
    log,
    now,
  })

  return {
    host,
    transports,
    overlay,
    announcer,
    bootstrap,
    records,
    values,
    view,
    inspection: new Inspection({ host, view, records, values, announcer }),
    checks: [...stored, bootstrap, tableWarmth(view, kad.warmTable), selfLookupDone(engine)],
    components: [...stored, toComponent(host), server, records, bootstrap, ...remembered, refresh, announcer],
    apply: (settings: PlaneSettings) => applySettings(settings, { engine, server, diversity, records, values, announcer }),
  }
}

interface StoreParts {
  readonly store: ProviderStore
  /** Where it is kept on disk, when it is. */
  readonly journal: Journal | undefined
  readonly stored: ReadonlyArray<Component & ReadinessCheck>
  /** Resolves with what the operator announced before a restart. */
  readonly announcedBefore: (() => PersistentProviderStore['operatorRecords']) | undefined
}

/** The provider store that is set. */
function composeStore ({ node, providers }: Config, { log, metrics, now }: Pick<Surroundings, 'log' | 'metrics' | 'now'>): StoreParts {
  const index = new MemoryProviderStore()
  if (providers.store === 'memory') return { store: index, journal: undefined, stored: [], announcedBefore: undefined }
  const journal = new FileJournal(join(node.dataDir, 'providers.db'), { startThread: file => new WorkerThread(file) })
  const store = new PersistentProviderStore({ ...DAEMON_PACE, drainTimeoutMs: node.drainTimeout }, { index, journal, metrics: metrics.providers, log, now })
  return { store, journal, stored: [store], announcedBefore: async () => await store.operatorRecords }
}

/** The audit log: on disk for a macronode with a directory, else in memory. */
export function composeAudit ({ node, audit }: Config, { identity, log, metrics, now }: Surroundings, peerId: string): AuditLog {
  const lasts = node.profile === 'macronode' && node.dataDir !== ''
  const origin = audit.origin === '' ? `svc-dht/${peerId}` : audit.origin
  return new AuditLog({ origin, groupMs: audit.groupDelay, publishMs: audit.checkpointInterval, queued: audit.queued }, {
    storage: lasts ? new DiskLogStorage({ folder: join(node.dataDir, 'audit'), markFile: join(node.dataDir, 'audit.mark') }) : new MemoryLogStorage({ limitBytes: audit.memoryBytes }),
    signers: lasts ? deriveNoteKeys(origin, identity) : createEphemeralNoteKeys(origin),
    metrics: metrics.audit,
    log: log.child({ component: 'audit' }),
    now,
  })
}

function toComponent (host: Host): Component {
  return { start: async () => await host.start(), stop: async () => await host.stop() }
}

/** Starts in order; stops in reverse, also when a later start fails. */
export async function startAll (components: readonly Component[]): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  for (const component of components) {
    await component.start()
    stack.defer(async () => await component.stop())
  }
  return stack.move()
}
