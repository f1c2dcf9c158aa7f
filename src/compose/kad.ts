import { join } from 'node:path'
import type { Config } from '../config/settings.ts'
import type { Component } from '../core/component.ts'
import type { ReadinessCheck } from '../core/readiness.ts'
import { usableAddresses } from '../kad/addresses.ts'
import { Announcer } from '../kad/announcer.ts'
import { Bootstrap } from '../kad/bootstrap.ts'
import { Engine } from '../kad/engine.ts'
import { createHost, type Host } from '../kad/host.ts'
import { Inspection } from '../kad/inspection.ts'
import { toListenError } from '../kad/listen-error.ts'
import { KadOverlay } from '../kad/overlay.ts'
import { ProviderRecords } from '../kad/provider/provider-records.ts'
import { FileJournal } from '../kad/provider/store/journal/file-journal.ts'
import type { Journal } from '../kad/provider/store/journal/journal.ts'
import { WorkerThread } from '../kad/provider/store/journal/thread.ts'
import { MemoryProviderStore } from '../kad/provider/store/memory.ts'
import { DAEMON_PACE, PersistentProviderStore } from '../kad/provider/store/persistent.ts'
import type { ProviderStore } from '../kad/provider/store/store.ts'
import { Members } from '../kad/members/members.ts'
import { PeerRemoval } from '../kad/members/peer-removal.ts'
import { Publisher } from '../kad/publisher.ts'
import { AddressBook } from '../kad/routing/address-book.ts'
import { DiversityCount } from '../kad/routing/diversity.ts'
import { RememberedPeers } from '../kad/routing/remembered-peers.ts'
import { RoutingView } from '../kad/routing/routing-view.ts'
import { keepTable } from '../kad/routing/table-keeper.ts'
import { TableRefresh } from '../kad/routing/table-refresh.ts'
import { applySettings, type PlaneSettings } from '../kad/plane-settings.ts'
import { answerAddProvider } from '../kad/rpc/add-provider.ts'
import { RpcClient } from '../kad/rpc/client.ts'
import { answerFindNode } from '../kad/rpc/find-node.ts'
import { answerGetProviders } from '../kad/rpc/get-providers.ts'
import { answerGetValue } from '../kad/rpc/get-value.ts'
import { answerPing } from '../kad/rpc/ping.ts'
import { answerPutValue } from '../kad/rpc/put-value.ts'
import { RpcServer } from '../kad/rpc/server.ts'
import { selfLookupDone, tableWarmth } from '../kad/table-readiness.ts'
import { ValueStore } from '../kad/value/value-store.ts'
import type { Admission } from '../policy/load-monitor.ts'
import type { Guards } from './guards.ts'
import type { Surroundings } from './surroundings.ts'

/** IPFS kad-dht: addresses of a peer are told for 24 h after they were heard. */
const ADDRESS_VALIDITY_MS = 24 * 3_600_000
const ADDRESS_BOOK_PEERS = 10_000

export type KadPlane = Awaited<ReturnType<typeof composeKad>>

/** The Kademlia plane: host, server, records and what lookups and operators see of them. Nothing of it is started. */
export async function composeKad (config: Config, surroundings: Surroundings, admission: Admission, { policy, writes }: Partial<Pick<Guards, 'policy' | 'writes'>> = {}) {
  const { identity, version, log: parentLog, metrics, now } = surroundings
  const { kad, providers, values: valueLimits } = config
  const log = parentLog.child({ component: 'kad' })
  const scope = kad.addresses
  const members = new Members({ self: () => host.peerId.toString(), metrics: metrics.kad })
  const { host, transports } = await createHost({ ...kad, version: version.version }, {
    identity, registry: metrics.registry, log, transports: surroundings.transports, gate: policy, onRefused: reason => metrics.kad.reject(reason), membership: members,
  })
  const self = host.peerId
  const selfBytes = self.toMultihash().bytes
  const ownAddresses = () => usableAddresses(host.getMultiaddrs().map(({ bytes }) => bytes), self.toString(), scope)

  const engine = new Engine(host)
  const view = new RoutingView({ count: kad.bucketSize, self: selfBytes })
  const book = new AddressBook({ limit: ADDRESS_BOOK_PEERS, validityMs: ADDRESS_VALIDITY_MS }, { now })
  const diversity = new DiversityCount({ inTable: kad.peersPerIpGroup, inBucket: kad.peersPerIpGroupInBucket })
  keepTable({ scope, bucketSize: kad.bucketSize }, { host, engine, membership: members, view, diversity, book, metrics: metrics.kad, log, now })

  const { store, journal, stored, announcedBefore } = composeStore(config, { log, metrics, now })
  const remembered = journal === undefined ? [] : [new RememberedPeers({ journal, view, host, engine, log })]
  const records = new ProviderRecords({ ...providers, ttlMs: providers.ttl }, { store, admits: id => members.admitsProvider(id), metrics: metrics.providers, now })
  const values = new ValueStore({ ...valueLimits, ttlMs: valueLimits.ttl }, { metrics: metrics.kad, now })
  const client = new RpcClient({ protocol: kad.protocol }, { host, metrics: metrics.kad })
  const refresh = new TableRefresh({ intervalMs: kad.tableRefreshInterval }, { view, engine, client, metrics: metrics.kad, log, now })
  const removal = new PeerRemoval({ host, engine, view, book, remembered: remembered[0], records, values, members, log })
  const publisher = new Publisher({ engine, client, log })
  const overlay = new KadOverlay({ scope }, { self, ownAddresses, engine, view, book, records, values, publisher, membership: members, now })
  const bootstrap = new Bootstrap({
    scope, peers: kad.bootstrap, probeIntervalMs: kad.bootstrapProbeInterval, lapseMs: kad.bootstrapLapse, isDiscovering: isDiscovering(config),
  }, { host, engine, client, metrics: metrics.kad, log, now })
  const announcer = new Announcer({
    ttlMs: providers.ttl, maxTtlMs: providers.maxTtl, republishPercent: providers.republishFraction, limit: providers.announced,
  }, { self: selfBytes, addresses: ownAddresses, records, publisher, alone: () => engine.tableSize === 0 ? bootstrap.reason() : undefined, writes, announcedBefore, metrics: metrics.kad, log, now })
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
    membership: members,
    policy,
    metrics: metrics.kad,
    log,
    now,
  })

  return {
    host,
    transports,
    engine,
    client,
    overlay,
    announcer,
    bootstrap,
    records,
    values,
    view,
    members,
    removal,
    inspection: new Inspection({ host, view, records, values, announcer }),
    checks: [...stored, bootstrap, tableWarmth(view, kad.warmTable), selfLookupDone(engine)],
    components: [...stored, toComponent(host), server, records, bootstrap, ...remembered, refresh, announcer],
    apply: (settings: PlaneSettings) => applySettings(settings, { engine, server, diversity, records, values, announcer }),
  }
}

/** Peers may be found without a bootstrap set. */
function isDiscovering ({ bridge, discv5 }: Config): boolean {
  return bridge.enabled && discv5.enabled && discv5.bootnodes.length > 0
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

function toComponent (host: Host): Component {
  return {
    start: async () => {
      try {
        await host.start()
      } catch (err) {
        throw toListenError(err)
      }
    },
    stop: async () => await host.stop(),
  }
}
