import type { Dashboard } from './dashboard.ts'

const OF = 'instance=~"$instance"'
const rate = (metric: string, by: string, labels = ''): string => `sum by (${by}) (rate(${metric}{${OF}${labels}}[$__rate_interval]))`
const quantile = (share: number, metric: string, by = ''): string => `histogram_quantile(${share}, sum by (le${by}) (rate(${metric}_bucket{${OF}}[$__rate_interval])))`

const overview: Dashboard = {
  uid: 'svc-dht-overview',
  title: 'svc-dht: overview',
  rows: {
    'Is it well?': [
      { title: 'Ready', description: '1 while the daemon can route; /readyz says why not.', kind: 'stat', well: 'some', words: ['not ready', 'ready'], width: 6, queries: { [`ready_state{state="true",${OF}}`]: '{{instance}}' } },
      { title: 'What is missing', description: 'Conditions of readiness that do not hold.', kind: 'table', width: 6, queries: { [`svc_dht_not_ready{${OF}} == 1`]: '' } },
      { title: 'Bootstrap peers that answer', description: 'At 0 the daemon is not ready.', kind: 'stat', well: 'some', width: 6, queries: { [`svc_dht_kad_bootstrap_alive{${OF}}`]: '{{instance}}' } },
      { title: 'Version', description: 'More than one row: a rollout is under way.', kind: 'table', width: 6, queries: { [`svc_dht_build_info{${OF}}`]: '' } },
      { title: 'Policy', description: 'The profile in force.', kind: 'stat', isName: true, width: 6, queries: { [`policy_profile_active{${OF}} == 1`]: '{{profile}}' } },
      { title: 'Configuration', description: 'The digest of what each daemon runs with.', kind: 'table', width: 6, queries: { [`svc_dht_config_info{${OF}}`]: '' } },
      { title: 'Drift', description: 'Governed settings that were given another value than the one in force: governance holds. ronctl config get names them.', kind: 'stat', well: 'none', width: 6, queries: { [`svc_dht_config_drift{${OF}}`]: '{{instance}}' } },
    ],
    'Is it of use?': [
      { title: 'Lookups', description: 'By kind and how they ended.', unit: 'reqps', queries: { [rate('svc_dht_lookups_total', 'kind, outcome')]: '{{kind}} {{outcome}}' } },
      { title: 'Lookup time', description: 'Whole walks. The objective is p95 < 500 ms: the dashed line.', unit: 's', objective: 0.5, queries: { [quantile(0.5, 'svc_dht_lookup_seconds')]: 'p50', [quantile(0.95, 'svc_dht_lookup_seconds')]: 'p95', [quantile(0.99, 'svc_dht_lookup_seconds')]: 'p99' } },
      { title: 'Found altered', description: 'What was kept and is not as it was left. Zero, always.', kind: 'stat', well: 'none', queries: { [`integrity_fail_total{${OF}}`]: '{{object}} {{instance}}' } },
      { title: 'Refused', description: 'Before any work, by reason.', unit: 'reqps', queries: { [rate('rejected_total', 'reason')]: '{{reason}}' } },
      { title: 'RPCs answered', description: 'Kademlia messages of other peers, by type.', unit: 'reqps', queries: { [rate('svc_dht_kad_inbound_rpc_total', 'type')]: '{{type}}' } },
      { title: 'Provider records', description: 'Held, and the keys they are of.', queries: { [`svc_dht_provider_records{${OF}}`]: 'records {{instance}}', [`svc_dht_provider_keys{${OF}}`]: 'keys {{instance}}' } },
      { title: 'Event loop lag', description: 'Heavy lookups are refused from 200 ms on: the dashed line.', unit: 's', objective: 0.2, queries: { [`svc_dht_event_loop_lag_seconds{${OF}}`]: '{{instance}}' } },
    ],
  },
}

const kademlia: Dashboard = {
  uid: 'svc-dht-kademlia',
  title: 'svc-dht: Kademlia',
  rows: {
    Answering: [
      { title: 'RPCs by outcome', description: 'Anything but ok is a refusal or a fault.', unit: 'reqps', queries: { [rate('svc_dht_kad_inbound_rpc_total', 'type, outcome')]: '{{type}} {{outcome}}' } },
      { title: 'Time to answer, p99', description: 'From a whole request to its reply handed to the stream.', unit: 's', queries: { [quantile(0.99, 'svc_dht_kad_inbound_rpc_seconds', ', type')]: '{{type}}' } },
      { title: 'Streams', description: 'Inbound DHT streams open.', queries: { [`svc_dht_kad_streams{${OF}}`]: '{{instance}}' } },
    ],
    'Routing table': [
      { title: 'Peers', description: 'A sudden fall: an outage, or a partition.', queries: { [`svc_dht_kad_routing_table_peers{${OF}}`]: '{{instance}}' } },
      { title: 'Peers by bucket', description: 'Leading bits shared with us. The far buckets are full in a large overlay; an empty one among them is a part of the keyspace that walks cannot reach from here.', queries: { [`svc_dht_kad_bucket_peers{${OF}}`]: '{{bucket}} {{instance}}' } },
      { title: 'Kept out for diversity', description: 'Peers of an IP group that is full.', unit: 'reqps', queries: { [rate('svc_dht_kad_diversity_refused_total', 'scope')]: '{{scope}}' } },
      { title: 'Outsiders', description: 'Peers outside the member list, by where they were met and whether they were refused.', unit: 'reqps', queries: { [rate('svc_dht_kad_outsiders_total', 'place, effect')]: '{{place}} {{effect}}' } },
      { title: 'Evicted', description: 'Peers that did not answer any more.', unit: 'reqps', queries: { [rate('svc_dht_kad_table_evicted_total', 'instance')]: '{{instance}}' } },
      { title: 'What is missing', description: 'Conditions of readiness that do not hold.', kind: 'table', width: 6, queries: { [`svc_dht_not_ready{${OF}} == 1`]: '' } },
      { title: 'Bootstrap peers that answer', description: 'Of those configured.', queries: { [`svc_dht_kad_bootstrap_alive{${OF}}`]: '{{instance}}' } },
      { title: 'Bootstrap set', description: 'One digest for the fleet, but for the time of a change.', kind: 'table', width: 12, queries: { [`bootstrap_set_hash{${OF}}`]: '' } },
    ],
    Announcing: [
      { title: 'Sent', description: 'Announcements of this daemon, by outcome.', unit: 'reqps', queries: { [rate('svc_dht_kad_outbound_rpc_total', 'type, outcome')]: '{{type}} {{outcome}}' } },
      { title: 'Keys announced', description: 'For the operator of each daemon.', queries: { [`svc_dht_kad_announced_keys{${OF}}`]: '{{instance}}' } },
      { title: 'Values', description: 'Public keys and IPNS records held.', queries: { [`svc_dht_kad_values{${OF}}`]: '{{instance}}' } },
    ],
  },
}

const store: Dashboard = {
  uid: 'svc-dht-store',
  title: 'svc-dht: provider store',
  rows: {
    Records: [
      { title: 'Held', description: 'Records and keys.', queries: { [`svc_dht_provider_records{${OF}}`]: 'records {{instance}}', [`svc_dht_provider_keys{${OF}}`]: 'keys {{instance}}' } },
      { title: 'Arriving', description: 'New records and refreshes.', unit: 'ops', queries: { [rate('svc_dht_provider_upserts_total', 'result')]: '{{result}}' } },
      { title: 'Expiring', description: 'Removed because their time was over.', unit: 'ops', queries: { [rate('svc_dht_provider_expired_total', 'instance')]: '{{instance}}' } },
      { title: 'Expiry lag', description: 'How long the oldest expired record waits for removal; it is not served meanwhile.', unit: 's', queries: { [`svc_dht_provider_expiry_lag_seconds{${OF}}`]: '{{instance}}' } },
      { title: 'Refused by quota', description: 'Per peer, per prefix, per key, in all.', unit: 'ops', queries: { [rate('rejected_total', 'reason', ',reason=~"quota_.*|store"')]: '{{reason}}' } },
    ],
    'Who fills it': [
      { title: 'Memory', description: 'Set aside for records, keys, peer IDs and addresses.', unit: 'bytes', queries: { [`svc_dht_provider_bytes{${OF}}`]: '{{instance}}' } },
      { title: 'Largest peers', description: 'Records of the ten that hold most; their bound is providers.recordsPerPeer.', queries: { [`svc_dht_provider_top_records{holder="peer",${OF}}`]: '{{rank}} {{instance}}' } },
      { title: 'Largest prefixes', description: 'Records of the ten that hold most; their bound is providers.recordsPerPrefix.', queries: { [`svc_dht_provider_top_records{holder="prefix",${OF}}`]: '{{rank}} {{instance}}' } },
    ],
    Disk: [
      { title: 'Waiting for the disk', description: 'Records that are not yet safe.', queries: { [`svc_dht_provider_pending{${OF}}`]: '{{instance}}' } },
      { title: 'Time of a group, p99', description: 'The objective is one second: the dashed line.', unit: 's', objective: 1, queries: { [quantile(0.99, 'svc_dht_provider_commit_seconds')]: 'p99' } },
      { title: 'Failures', description: 'By kind; any is worth a look.', unit: 'ops', queries: { [rate('svc_dht_provider_store_failures_total', 'kind')]: '{{kind}}' } },
      { title: 'Read back at the start', description: 'Records.', kind: 'stat', queries: { [`svc_dht_provider_replayed{${OF}}`]: '{{instance}}' } },
    ],
  },
}

const lookups: Dashboard = {
  uid: 'svc-dht-lookups',
  title: 'svc-dht: lookups and the public API',
  rows: {
    Lookups: [
      { title: 'By outcome', description: 'found, empty, timeout …', unit: 'reqps', queries: { [rate('svc_dht_lookups_total', 'kind, outcome')]: '{{kind}} {{outcome}}' } },
      { title: 'Time of a walk', description: 'The objective is p95 < 500 ms: the dashed line.', unit: 's', objective: 0.5, queries: { [quantile(0.5, 'svc_dht_lookup_seconds')]: 'p50', [quantile(0.95, 'svc_dht_lookup_seconds')]: 'p95' } },
      { title: 'First result', description: 'What a streaming client waits for.', unit: 's', queries: { [quantile(0.5, 'svc_dht_lookup_first_result_seconds')]: 'p50', [quantile(0.95, 'svc_dht_lookup_first_result_seconds')]: 'p95' } },
      { title: 'Hops', description: 'The objective is p99 ≤ 5: the dashed line.', objective: 5, queries: { [quantile(0.5, 'svc_dht_lookup_hops')]: 'p50', [quantile(0.99, 'svc_dht_lookup_hops')]: 'p99' } },
      { title: 'Messages', description: 'RPCs that a walk sends.', queries: { [quantile(0.5, 'svc_dht_lookup_messages')]: 'p50', [quantile(0.99, 'svc_dht_lookup_messages')]: 'p99' } },
      { title: 'Answered without a walk', description: 'From recent answers, or sharing a walk.', unit: 'reqps', queries: { [rate('svc_dht_lookup_cache_total', 'result')]: '{{result}}' } },
      { title: 'Walking now', description: 'Bounded by lookup.concurrent.', queries: { [`svc_dht_lookups_walking{${OF}}`]: '{{instance}}' } },
    ],
    HTTP: [
      { title: 'Requests', description: 'By listener and status.', unit: 'reqps', queries: { [rate('http_requests_total', 'service, code')]: '{{service}} {{code}}' } },
      { title: 'Time, p95', description: 'By route.', unit: 's', queries: { [quantile(0.95, 'request_latency_seconds', ', route')]: '{{route}}' } },
      { title: 'TLS handshakes failed', description: 'On the TCP admin API.', unit: 'reqps', queries: { [rate('tls_handshake_failures_total', 'instance')]: '{{instance}}' } },
      { title: 'Streams ended', description: 'Their capability was revoked or expired, or the policy changed, while they went on.', unit: 'ops', queries: { [rate('svc_dht_http_answers_ended_total', 'reason')]: '{{reason}}' } },
      { title: 'In flight', description: 'Bounded by the listener’s inFlight.', queries: { [`svc_dht_http_in_flight{${OF}}`]: '{{service}} {{instance}}' } },
    ],
  },
}

const discv5: Dashboard = {
  uid: 'svc-dht-discv5',
  title: 'svc-dht: discv5',
  rows: {
    Node: [
      { title: 'Table', description: 'Only live nodes are told to others.', queries: { [`svc_dht_discv5_table_nodes{${OF}}`]: '{{state}} {{instance}}' } },
      { title: 'Sessions', description: 'Of at most discv5.sessions.', queries: { [`svc_dht_discv5_sessions{${OF}}`]: '{{instance}}' } },
      { title: 'Events', description: 'Packets by kind, sessions, calls, changes of the table.', unit: 'ops', queries: { [rate('svc_dht_discv5_events_total', 'event')]: '{{event}}' } },
      { title: 'Topics', description: 'Registrations and queries of others by outcome; ticket_* are tickets that did not count.', unit: 'ops', queries: { [rate('svc_dht_discv5_topics_total', 'event')]: '{{event}}' } },
      { title: 'Advertisements', description: 'Held for others, at most 1,000.', queries: { [`svc_dht_discv5_topic_ads{${OF}}`]: '{{instance}}' } },
      { title: 'Waiting', description: 'Requests of ours without an answer yet.', queries: { [`svc_dht_discv5_pending_requests{${OF}}`]: '{{instance}}' } },
    ],
    Protection: [
      { title: 'Dropped', description: 'By reason. limit_* is protection at work; internal is a fault of ours.', unit: 'ops', queries: { [rate('svc_dht_discv5_dropped_total', 'reason')]: '{{reason}}' } },
      { title: 'Outsiders', description: 'Nodes outside the member list, by where they were met and whether they were refused.', unit: 'ops', queries: { [rate('svc_dht_discv5_outsiders_total', 'place, effect')]: '{{place}} {{effect}}' } },
      { title: 'Bans', description: 'IPs, prefixes and nodes shut out now.', queries: { [`svc_dht_discv5_bans{${OF}}`]: '{{instance}}' } },
      { title: 'Receive buffer', description: 'Below 4 MiB bursts are lost: raise net.core.rmem_max.', unit: 'bytes', queries: { [`svc_dht_discv5_receive_buffer_bytes{${OF}}`]: '{{instance}}' } },
    ],
  },
}

const bridge: Dashboard = {
  uid: 'svc-dht-bridge',
  title: 'svc-dht: bridge',
  rows: {
    'From discv5 to libp2p': [
      { title: 'Records', description: 'Verified records of discv5 nodes that were considered.', unit: 'reqps', queries: { [rate('svc_dht_bridge_records_total', 'instance')]: '{{instance}}' } },
      { title: 'Dropped', description: 'Records that led to no dial, by reason. Mostly seen or predicate: a healthy mixed network.', unit: 'reqps', queries: { [rate('svc_dht_bridge_dropped_total', 'reason')]: '{{reason}}' } },
      { title: 'Dials', description: 'Only joined reach the routing table; foreign nodes do not speak the overlay’s protocol.', unit: 'reqps', queries: { [rate('svc_dht_bridge_dials_total', 'outcome')]: '{{outcome}}' } },
      { title: 'Waiting', description: 'Bounded by bridge.waiting; beyond it records are dropped as full.', queries: { [`svc_dht_bridge_waiting{${OF}}`]: '{{instance}}' } },
    ],
  },
}

const runtime: Dashboard = {
  uid: 'svc-dht-runtime',
  title: 'svc-dht: runtime',
  rows: {
    Process: [
      { title: 'Processor', description: 'Cores used.', queries: { [rate('process_cpu_seconds_total', 'instance')]: '{{instance}}' } },
      { title: 'Memory', description: 'Resident.', unit: 'bytes', queries: { [`process_resident_memory_bytes{${OF}}`]: '{{instance}}' } },
      { title: 'Heap', description: 'Of V8.', unit: 'bytes', queries: { [`nodejs_heap_size_used_bytes{${OF}}`]: '{{instance}}' } },
      { title: 'Garbage collection', description: 'Seconds a second.', unit: 'percentunit', queries: { [rate('nodejs_gc_duration_seconds_sum', 'kind')]: '{{kind}}' } },
      { title: 'Event loop lag', description: 'What work is refused by.', unit: 's', queries: { [`svc_dht_event_loop_lag_seconds{${OF}}`]: '{{instance}}' } },
      { title: 'File descriptors', description: 'Of those allowed.', unit: 'percentunit', queries: { [`process_open_fds{${OF}} / process_max_fds{${OF}}`]: '{{instance}}' } },
      { title: 'Connections', description: 'libp2p, by direction.', queries: { [`libp2p_connection_manager_connections{${OF}}`]: '{{connections}} {{instance}}' } },
      { title: 'Spans of traces', description: 'Sent to the collector, or dropped and why. Empty without a collector.', queries: { [rate('svc_dht_tracing_spans_total', 'outcome')]: '{{outcome}}' } },
      { title: 'Parts started again', description: 'After a fault: journal is the thread that writes provider records to disk.', queries: { [`service_restarts_total{${OF}}`]: '{{service}} {{instance}}' } },
      { title: 'Starts', description: 'More than two in half an hour raise an alert.', queries: { [`changes(process_start_time_seconds{${OF}}[30m])`]: '{{instance}}' } },
    ],
  },
}

const audit: Dashboard = {
  uid: 'svc-dht-audit',
  title: 'svc-dht: governance and audit',
  rows: {
    'Audit log': [
      { title: 'Integrity', description: 'Times that the log was not as it was left. Zero, always.', kind: 'stat', well: 'none', queries: { [`audit_integrity_failed_total{${OF}}`]: '{{reason}} {{instance}}' } },
      { title: 'Entries', description: 'In the log, and under its checkpoint.', queries: { [`svc_dht_audit_entries{${OF}}`]: 'entries {{instance}}', [`svc_dht_audit_published_entries{${OF}}`]: 'published {{instance}}' } },
      { title: 'Age of the checkpoint', description: 'A new entry is covered within audit.checkpointInterval, an idle log signs anew every audit.checkpointRefresh: older is a log that stands still.', unit: 's', queries: { [`time() - svc_dht_audit_checkpoint_time_seconds{${OF}}`]: '{{instance}}' } },
      { title: 'Time of an append, p99', description: 'The objective is one second: the dashed line.', unit: 's', objective: 1, queries: { [quantile(0.99, 'svc_dht_audit_append_seconds')]: 'p99' } },
      { title: 'Verified again', description: 'While it runs: entries of the pass under way, and the age of the last whole pass. Zero for a log in memory.', queries: { [`svc_dht_audit_verified_entries{${OF}}`]: 'entries {{instance}}', [`time() - svc_dht_audit_verified_time_seconds{${OF}}`]: 'age {{instance}}' } },
      { title: 'Let go', description: 'Entries that are not published any more: by age, or because the log in memory is bounded.', queries: { [`svc_dht_audit_let_go_entries_total{${OF}}`]: '{{reason}} {{instance}}' } },
      { title: 'Refused', description: 'Entries not taken: the queue is full, or the disk does not take them, or not in time.', unit: 'ops', queries: { [rate('svc_dht_audit_refused_total', 'reason')]: '{{reason}}' } },
      { title: 'Witnesses', description: 'Of the quorum. Zero without a policy.', kind: 'stat', queries: { [`svc_dht_audit_witnesses{${OF}}`]: '{{instance}}' } },
      { title: 'Not cosigned yet', description: 'Entries under the checkpoint that a witness has not cosigned. It falls to zero soon after each checkpoint.', queries: { [`svc_dht_audit_witness_lag_entries{${OF}}`]: '{{witness}} {{instance}}', [`svc_dht_audit_published_entries{${OF}} - svc_dht_audit_witnessed_entries{${OF}}`]: 'quorum {{instance}}' } },
      { title: 'Answers of witnesses', description: 'cosigned is the good one. ahead and inconsistent say that this log is not the one that the witness saw.', unit: 'ops', queries: { [rate('svc_dht_audit_witness_answers_total', 'witness, outcome')]: '{{witness}} {{outcome}}' } },
      { title: 'Readers of events let go', description: 'They read events more slowly than they happened.', unit: 'ops', queries: { [rate('bus_lagged_total', 'service')]: '{{service}}' } },
    ],
    Capabilities: [
      { title: 'In force', description: 'Grants that were neither revoked nor expired.', kind: 'stat', queries: { [`svc_dht_auth_grants{${OF}}`]: '{{instance}}' } },
      { title: 'Changes', description: 'Minted and revoked; each is an entry of the audit log.', unit: 'ops', queries: { [rate('svc_dht_auth_changes_total', 'action')]: '{{action}}' } },
      { title: 'Age of keys', description: 'Since the newest version was made. Rotate the root of capabilities within 30 days, the keys of the log within 90.', unit: 's', queries: { [`time() - svc_dht_key_made_time_seconds{${OF}}`]: '{{key}} {{instance}}' } },
      { title: 'Certificate of the admin API', description: 'How long it is good for. Nothing without one.', unit: 's', queries: { [`(svc_dht_tls_certificate_ends_time_seconds{${OF}} > 0) - time()`]: '{{instance}}' } },
      { title: 'Changes refused', description: 'At the bound, or because too many wait for the audit log.', unit: 'ops', queries: { [rate('svc_dht_auth_refused_total', 'reason')]: '{{reason}}' } },
    ],
  },
}

const governance: Dashboard = {
  uid: 'svc-dht-governance',
  title: 'svc-dht: governance',
  rows: {
    'What holds': [
      { title: 'Governed', description: '1 with a genesis; at 0 the configuration of each daemon holds.', kind: 'stat', words: ['no', 'yes'], width: 6, queries: { [`svc_dht_governance_governed{${OF}}`]: '{{instance}}' } },
      { title: 'Trusted', description: '1: what is kept is not trusted, the last safe state holds and writes are denied.', kind: 'stat', well: 'none', words: ['trusted', 'not trusted'], width: 6, queries: { [`svc_dht_governance_restricted{${OF}}`]: '{{instance}}' } },
      { title: 'Epoch', description: 'Changes applied.', kind: 'stat', width: 6, queries: { [`svc_dht_governance_epoch{${OF}}`]: '{{instance}}' } },
      { title: 'Quorum of one', description: '1 while one signer is a quorum: a micronode, for a while.', kind: 'stat', words: ['no', 'yes'], width: 6, queries: { [`quorum_reduced{${OF}}`]: '{{instance}}' } },
      { title: 'State', description: 'One root for the fleet, but for the time of a change.', kind: 'table', width: 12, queries: { [`svc_dht_governance_state_info{${OF}}`]: '' } },
      { title: 'Integrity', description: 'Times that what is kept was not as it was left. Zero, always.', kind: 'stat', well: 'none', width: 6, queries: { [`svc_dht_governance_integrity_failed_total{${OF}}`]: '{{fault}} {{instance}}' } },
      { title: 'Post-quantum', description: 'Whether every governance signature must carry ML-DSA-87, and attempts to end that.', width: 6, queries: { [`pq_enforced{${OF}}`]: 'required {{instance}}', [`pq_downgrade_attempt_total{${OF}}`]: 'attempts {{instance}}' } },
    ],
    'What is under way': [
      { title: 'Proposals', description: 'By stage. One that stays in review lapses.', queries: { [`svc_dht_governance_proposals{${OF}}`]: '{{stage}} {{instance}}' } },
      { title: 'Canaries', description: 'Watched, or green and waiting to be promoted. A red one is rolled back at once.', queries: { [`svc_dht_governance_canaries{${OF}}`]: '{{state}} {{instance}}' } },
      { title: 'Actions', description: 'By what they ask for, and whether they were accepted, refused, or not kept in the log.', unit: 'ops', queries: { [rate('governance_actions_total', 'action, status')]: '{{action}} {{status}}' } },
      { title: 'Agreed until in force, p99', description: 'In milliseconds. The objective is 60,000: the dashed line.', objective: 60_000, unit: 'short', queries: { [quantile(0.99, 'governance_propagate_ms')]: 'p99', [`svc_dht_governance_pending_ms{${OF}}`]: 'waiting {{instance}}' } },
      { title: 'Freezes and overrides', description: 'They end by themselves.', queries: { [`svc_dht_governance_freezes{${OF}}`]: 'freezes {{instance}}', [`svc_dht_governance_overrides{${OF}}`]: 'overrides {{instance}}' } },
      { title: 'Obligations', description: 'What emergencies left to do: a public event within 24 h, a post-mortem within 72 h.', queries: { [`svc_dht_governance_obligations{${OF}}`]: '{{state}} {{instance}}' } },
      { title: 'Disputes', description: 'Not resolved; after 72 h they go to the owner.', queries: { [`svc_dht_governance_disputes{${OF}}`]: '{{instance}}' } },
    ],
  },
}

/** Every dashboard; each becomes `<uid>.json`. */
export const DASHBOARDS: readonly Dashboard[] = [overview, kademlia, store, lookups, discv5, bridge, runtime, audit, governance]
