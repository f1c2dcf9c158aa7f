import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { RejectReason } from '../core/errors.ts'
import { Exemplars } from './exemplars.ts'
import { toOpenMetrics } from './open-metrics.ts'

/** Every metric the daemon has, by component. A component receives its own section. */
export type Metrics = ReturnType<typeof createMetrics>

const RPC_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]
const COMMIT_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
// macronode security notes §5 fixes these bounds for request latency.
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25]
// svc-dht governance §3: a change is to be in force within 60,000 ms.
const PROPAGATE_MS = [1, 5, 10, 50, 100, 500, 1000, 5000, 15_000, 60_000, 300_000]
const COUNTS = [0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100]

export function createMetrics (registry = new Registry()) {
  const meters = metersIn(registry)
  const { counter, gauge, histogram } = meters
  const rejected = counter('rejected_total', 'Requests refused before they did any work, on every surface, by reason.', ['reason'])
  const reject = (reason: RejectReason): void => rejected.inc({ reason })
  const exemplars = new Exemplars(Date.now)
  /** Names the trace of one observation of a latency. Only for what is traced. */
  const exemplify = (metric: 'request_latency_seconds' | 'svc_dht_lookup_seconds') => (labels: Readonly<Record<string, string>>, seconds: number, traceId: string): void => {
    exemplars.note(metric, REQUEST_SECONDS, labels, seconds, traceId)
  }

  const [providers, audit, governance] = [providerMetrics(meters), auditMetrics(meters), governanceMetrics(meters)]
  totalIntegrity(registry, {
    audit: [audit.integrityFailed, () => true], governance: [governance.integrityFailed, () => true], providers: [providers.failures, ({ kind }) => kind === 'damaged'],
  })
  return {
    registry,
    /** All of them in OpenMetrics, with the traces that are known of latencies. */
    openMetrics: async () => await toOpenMetrics(registry, exemplars),
    rejected,
    node: {
      ready: gauge('ready_state', 'Readiness as /readyz tells it: the series of the current state is 1; `degraded` is 1 beside it while writes are refused.', ['state']),
      missing: gauge('svc_dht_not_ready', '1 for each condition of readiness that does not hold.', ['condition']),
      build: gauge('svc_dht_build_info', 'Constant 1; the labels say what runs.', ['version', 'git_sha']),
      lag: gauge('svc_dht_event_loop_lag_seconds', 'How late the event loop runs; peaks fade within a second. Work is refused by this.'),
      drift: gauge('svc_dht_config_drift', 'Governed settings that were given a value other than the one in force.'),
      config: gauge('svc_dht_config_info', 'Constant 1; the label is the digest of the effective configuration.', ['digest']),
    },
    policy: { profile: gauge('policy_profile_active', 'The policy profile in force: its series is 1.', ['profile']) },
    kad: {
      reject,
      inboundRpc: counter('svc_dht_kad_inbound_rpc_total', 'Kademlia RPCs received, by message type and outcome.', ['type', 'outcome']),
      inboundRpcSeconds: histogram('svc_dht_kad_inbound_rpc_seconds', 'Time from a whole request to its reply handed to the stream.', RPC_SECONDS, ['type']),
      streams: gauge('svc_dht_kad_streams', 'Inbound DHT streams open.'),
      outboundRpc: counter('svc_dht_kad_outbound_rpc_total', 'ADD_PROVIDER and PUT_VALUE sent by this daemon, by outcome.', ['type', 'outcome']),
      routingTablePeers: gauge('svc_dht_kad_routing_table_peers', 'Peers in the routing table.'),
      bucketPeers: gauge('svc_dht_kad_bucket_peers', 'Peers of the routing table by bucket: the leading bits that they share with us; the last one stands for all beyond.', ['bucket']),
      diversityRefused: counter('svc_dht_kad_diversity_refused_total', 'Peers kept out of the routing table because their IP group is full, by scope.', ['scope']),
      tableEvicted: counter('svc_dht_kad_table_evicted_total', 'Peers removed from the routing table because they did not answer.'),
      bootstrapAlive: gauge('svc_dht_kad_bootstrap_alive', 'Bootstrap peers that answered lately.'),
      bootstrapSet: gauge('bootstrap_set_hash', 'Constant 1; the label is the digest of the bootstrap set in force.', ['hash']),
      values: gauge('svc_dht_kad_values', 'Values held.'),
      outsiders: counter('svc_dht_kad_outsiders_total', 'Times that a peer outside the member list was met, by where and whether it was refused or only observed.', ['place', 'effect']),
      announcedKeys: gauge('svc_dht_kad_announced_keys', 'Keys this daemon announces for its operator.'),
    },
    providers,
    lookup: {
      reject,
      exemplify: exemplify('svc_dht_lookup_seconds'),
      lookups: counter('svc_dht_lookups_total', 'Lookups, by kind and how they ended.', ['kind', 'outcome']),
      seconds: histogram('svc_dht_lookup_seconds', 'Time of a whole lookup that walked the network.', REQUEST_SECONDS, ['kind']),
      firstResultSeconds: histogram('svc_dht_lookup_first_result_seconds', 'Time until the first result of a lookup.', REQUEST_SECONDS, ['kind']),
      hops: histogram('svc_dht_lookup_hops', 'Hops of a lookup that walked the network.', COUNTS, ['kind']),
      messages: histogram('svc_dht_lookup_messages', 'RPCs sent by a lookup that walked the network.', COUNTS, ['kind']),
      cache: counter('svc_dht_lookup_cache_total', 'Lookups by whether a recent answer was there (hit), a walk to share (shared), or neither (miss).', ['result']),
      walking: gauge('svc_dht_lookups_walking', 'Lookups that walk the network now.'),
    },
    audit,
    discv5: discv5Metrics(meters),
    auth: authMetrics(meters),
    kms: { keyMade: gauge('svc_dht_key_made_time_seconds', 'When the newest version of a key of this daemon was made, by what it is for. Seconds since 1970-01-01 UTC.', ['key']) },
    governance,
    bridge: bridgeMetrics(meters),
    http: { reject, exemplify: exemplify('request_latency_seconds'), ...httpMetrics(meters) },
    tracing: tracingMetrics(meters),
  }
}

function providerMetrics ({ counter, gauge, histogram }: Meters) {
  return {
    restarts: counter('service_restarts_total', 'Parts of the daemon that were started again after a fault, by part. Starts of the process show in `process_start_time_seconds`.', ['service']),
    bytes: gauge('svc_dht_provider_bytes', 'Memory set aside for provider records: their columns, keys, peer IDs and addresses.'),
    topRecords: gauge('svc_dht_provider_top_records', 'Provider records of those that hold most, by rank.', ['holder', 'rank']),
    records: gauge('svc_dht_provider_records', 'Provider records held.'),
    keys: gauge('svc_dht_provider_keys', 'Distinct keys with at least one provider record.'),
    upserts: counter('svc_dht_provider_upserts_total', 'Announcements accepted, by whether the record was new.', ['result']),
    expired: counter('svc_dht_provider_expired_total', 'Provider records removed because their time was over.'),
    expiryLag: gauge('svc_dht_provider_expiry_lag_seconds', 'How long the oldest expired record has waited for removal. It is not served meanwhile.'),
    commitSeconds: histogram('svc_dht_provider_commit_seconds', 'Time of one group of provider records to be safe on disk.', COMMIT_SECONDS),
    pending: gauge('svc_dht_provider_pending', 'Provider records that wait for the disk.'),
    replayed: gauge('svc_dht_provider_replayed', 'Provider records read back from disk at the start.'),
    failures: counter('svc_dht_provider_store_failures_total', 'Times that the disk did not take or give provider records, by kind.', ['kind']),
  }
}

function discv5Metrics ({ counter, gauge }: Meters) {
  return {
    events: counter('svc_dht_discv5_events_total', 'What happened on the discv5 plane: packets in and out by kind, sessions, calls, changes of the table and of our address.', ['event']),
    dropped: counter('svc_dht_discv5_dropped_total', 'discv5 packets, records and requests that were dropped, by reason.', ['reason']),
    outsiders: counter('svc_dht_discv5_outsiders_total', 'Times that a discv5 node outside the member list was met, by where and whether it was refused or only observed.', ['place', 'effect']),
    sessions: gauge('svc_dht_discv5_sessions', 'discv5 sessions held.'),
    nodes: gauge('svc_dht_discv5_table_nodes', 'Nodes of the discv5 table, by whether they answered; only live ones are told to others.', ['state']),
    pending: gauge('svc_dht_discv5_pending_requests', 'Requests of this node that wait for an answer.'),
    bans: gauge('svc_dht_discv5_bans', 'IPs, prefixes and nodes shut out of the discv5 plane.'),
    topics: counter('svc_dht_discv5_topics_total', 'Requests about topics that this node answered or refused, and those of its own, by what came of them; tickets that did not count, by why.', ['event']),
    topicAds: gauge('svc_dht_discv5_topic_ads', 'Advertisements of topics held for others.'),
    receiveBuffer: gauge('svc_dht_discv5_receive_buffer_bytes', 'Receive buffer of the discv5 socket that the kernel granted; 4 MiB are asked for.'),
  }
}

function auditMetrics ({ counter, gauge, histogram }: Meters) {
  return {
    integrityFailed: counter('audit_integrity_failed_total', 'Times that the audit log was not as it was left, by what was wrong.', ['reason']),
    refused: counter('svc_dht_audit_refused_total', 'Times that the audit log took no entry although nothing is wrong with it, by why: its queue, the disk, or a disk that does not answer.', ['reason']),
    size: gauge('svc_dht_audit_entries', 'Entries of the audit log.'),
    published: gauge('svc_dht_audit_published_entries', 'Entries of the audit log that its checkpoint covers.'),
    checkpointTime: gauge('svc_dht_audit_checkpoint_time_seconds', 'When the last checkpoint was signed, in seconds since 1970.'),
    verified: gauge('svc_dht_audit_verified_entries', 'Entries that the pass under way over the log on disk has verified again.'),
    verifiedTime: gauge('svc_dht_audit_verified_time_seconds', 'When a pass over the whole log on disk last found it as it was left, in seconds since 1970.'),
    letGo: counter('svc_dht_audit_let_go_entries_total', 'Entries that the audit log does not publish any more, by why: their age, or the bound of a log in memory.', ['reason']),
    appendSeconds: histogram('svc_dht_audit_append_seconds', 'Time of an entry to be safe in the log.', COMMIT_SECONDS),
    witnesses: gauge('svc_dht_audit_witnesses', 'Witnesses that the quorum of the policy is made of.'),
    witnessed: counter('svc_dht_audit_witness_answers_total', 'Requests to cosign the checkpoint, by witness of the policy and outcome.', ['witness', 'outcome']),
    witnessLag: gauge('svc_dht_audit_witness_lag_entries', 'Entries under the checkpoint that a witness of the policy has not cosigned.', ['witness']),
    quorumSize: gauge('svc_dht_audit_witnessed_entries', 'Entries that a quorum of witnesses has cosigned.'),
  }
}

function authMetrics ({ counter, gauge }: Meters) {
  return {
    grants: gauge('svc_dht_auth_grants', 'Capabilities in force.'),
    changes: counter('svc_dht_auth_changes_total', 'Capabilities minted and revoked.', ['action']),
    refused: counter('svc_dht_auth_refused_total', 'Changes of capabilities refused because there are as many as there may be, or too many wait for the audit log.', ['reason']),
  }
}

function httpMetrics ({ counter, gauge, histogram }: Meters) {
  return {
    certificateEnds: gauge('svc_dht_tls_certificate_ends_time_seconds', 'When the certificate of the admin API ends; 0 without one. Seconds since 1970-01-01 UTC.'),
    tlsFailures: counter('tls_handshake_failures_total', 'TLS handshakes of the admin API that failed: wrong version, no or a wrong client certificate, or no TLS at all.'),
    requests: counter('http_requests_total', 'HTTP requests, by listener, route and status.', ['service', 'route', 'code']),
    seconds: histogram('request_latency_seconds', 'Time of HTTP requests.', REQUEST_SECONDS, ['service', 'route', 'method']),
    busLagged: counter('bus_lagged_total', 'Readers of events that were let go because they were too slow, by listener.', ['service']),
    lapsed: counter('svc_dht_http_answers_ended_total', 'Answers that were going on and were ended, for their capability was not good any more, by reason.', ['reason']),
    inFlight: gauge('svc_dht_http_in_flight', 'HTTP requests in flight, by listener.', ['service']),
  }
}

function governanceMetrics ({ counter, gauge, histogram }: Meters) {
  return {
    actions: counter('governance_actions_total', 'Inputs of governance, by what they ask for and whether they were accepted, refused, or could not be kept in the log.', ['action', 'status']),
    propagateMs: histogram('governance_propagate_ms', 'Milliseconds from a change being agreed until it is in force in every part of this daemon.', PROPAGATE_MS),
    pendingMs: gauge('svc_dht_governance_pending_ms', 'How long an agreed change has waited to be in force; 0 when none does.'),
    pqEnforced: gauge('pq_enforced', '1 while every governance signature must carry ML-DSA-87.'),
    pqDowngradeAttempts: counter('pq_downgrade_attempt_total', 'Attempts to give up post-quantum signatures: proposals to, executions before their time, and statements without one while they are required.'),
    governed: gauge('svc_dht_governance_governed', '1 while the daemon has a genesis.'),
    epoch: gauge('svc_dht_governance_epoch', 'Changes applied to the governed state.'),
    proposals: gauge('svc_dht_governance_proposals', 'Proposals under way, by stage.', ['stage']),
    canaries: gauge('svc_dht_governance_canaries', 'Canaries under way: watched, or green and waiting to be promoted. A red one is rolled back at once.', ['state']),
    obligations: gauge('svc_dht_governance_obligations', 'What emergencies left to do, by whether it is overdue.', ['state']),
    freezes: gauge('svc_dht_governance_freezes', 'Freezes in force.'),
    overrides: gauge('svc_dht_governance_overrides', 'Overrides in force.'),
    disputes: gauge('svc_dht_governance_disputes', 'Disputes that are not resolved.'),
    quorumReduced: gauge('quorum_reduced', '1 while one signer is a quorum.'),
    restricted: gauge('svc_dht_governance_restricted', '1 while what is kept is not trusted: the last safe state holds, and writes are denied.'),
    integrityFailed: counter('svc_dht_governance_integrity_failed_total', 'Times that what governance keeps was not as it was left, by what was wrong.', ['fault']),
    stateInfo: gauge('svc_dht_governance_state_info', 'Constant 1; the label is the root of the governed state.', ['root']),
  }
}

function bridgeMetrics ({ counter, gauge }: Meters) {
  return {
    records: counter('svc_dht_bridge_records_total', 'Verified records of discv5 nodes that the bridge considered.'),
    dropped: counter('svc_dht_bridge_dropped_total', 'Records that led to no dial, by reason.', ['reason']),
    dials: counter('svc_dht_bridge_dials_total', 'Dials of discovered nodes, by outcome.', ['outcome']),
    waiting: gauge('svc_dht_bridge_waiting', 'Discovered nodes that wait to be dialled.'),
  }
}

function tracingMetrics ({ counter }: Meters) {
  return {
    spans: counter('svc_dht_tracing_spans_total', 'Spans of traces, by what became of them: sent, or dropped because the queue was full, the collector did not take them, or the daemon stopped.', ['outcome']),
  }
}

/** One name for all that was found altered, as macronode security notes §5 want it: read off what the parts count. */
function totalIntegrity (registry: Registry, parts: Readonly<Record<string, readonly [Counter, (labels: Readonly<Record<string, unknown>>) => boolean]>>): void {
  registry.registerMetric(new Counter({
    name: 'integrity_fail_total',
    help: 'Times that something kept was found not as it was left, by what.',
    labelNames: ['object'],
    registers: [],
    async collect () {
      const totals = await Promise.all(Object.entries(parts).map(async ([object, [counter, isCounted]]) => {
        const { values } = await counter.get()
        return [object, values.reduce((sum, { labels, value }) => sum + (isCounted(labels) ? value : 0), 0)] as const
      }))
      this.reset() // without a wait from here on: two scrapes at once must not add up
      for (const [object, total] of totals) this.inc({ object }, total)
    },
  }))
}

/** A section that grows gets a function of its own, which takes these. */
type Meters = ReturnType<typeof metersIn>

function metersIn (registry: Registry) {
  const registers = [registry]
  return {
    counter: <const L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
      new Counter<L>({ name, help, labelNames: [...labelNames], registers }),
    gauge: <const L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
      new Gauge<L>({ name, help, labelNames: [...labelNames], registers }),
    histogram: <const L extends string = never>(name: string, help: string, buckets: number[], labelNames: readonly L[] = []) =>
      new Histogram<L>({ name, help, labelNames: [...labelNames], buckets, registers }),
  }
}
