/** A metric that a requirement document demands of the daemon, under this very name. */
export interface RequiredMetric {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  /** Document and section. */
  readonly source: string
}

const GOVERNANCE = 'svc-dht-governance.md §5'
const MACRONODE = 'macronode-security.md §5'

/** Names of content paths and of ZK are left out: this daemon serves no content and proves nothing. `kms_…` are the key service's. */
export const REQUIRED_METRICS: readonly RequiredMetric[] = [
  { name: 'governance_actions_total', type: 'counter', labels: ['action', 'status'], source: GOVERNANCE },
  { name: 'governance_propagate_ms', type: 'histogram', labels: [], source: GOVERNANCE },
  { name: 'policy_profile_active', type: 'gauge', labels: ['profile'], source: GOVERNANCE },
  { name: 'pq_enforced', type: 'gauge', labels: [], source: GOVERNANCE },
  { name: 'pq_downgrade_attempt_total', type: 'counter', labels: [], source: GOVERNANCE },
  { name: 'bootstrap_set_hash', type: 'gauge', labels: ['hash'], source: GOVERNANCE },
  { name: 'rejected_total', type: 'counter', labels: ['reason'], source: GOVERNANCE },
  { name: 'request_latency_seconds', type: 'histogram', labels: ['service', 'route', 'method'], source: MACRONODE },
  { name: 'http_requests_total', type: 'counter', labels: ['service', 'route', 'code'], source: MACRONODE },
  { name: 'service_restarts_total', type: 'counter', labels: ['service'], source: MACRONODE },
  { name: 'bus_lagged_total', type: 'counter', labels: ['service'], source: MACRONODE },
  { name: 'integrity_fail_total', type: 'counter', labels: ['object'], source: MACRONODE },
  { name: 'ready_state', type: 'gauge', labels: ['state'], source: MACRONODE },
  { name: 'tls_handshake_failures_total', type: 'counter', labels: [], source: MACRONODE },
]
