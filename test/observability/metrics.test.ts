import t from 'tap'
import { createMetrics } from '../../src/observability/metrics.ts'
import { metricValue } from '../kad/fixtures.ts'

/** Names that the requirement documents give; ours carry the daemon's name. */
const GIVEN = ['rejected_total', 'ready_state', 'bootstrap_set_hash', 'policy_profile_active', 'http_requests_total', 'request_latency_seconds', 'tls_handshake_failures_total', 'audit_integrity_failed_total', 'bus_lagged_total', 'governance_actions_total', 'governance_propagate_ms', 'pq_enforced', 'pq_downgrade_attempt_total', 'quorum_reduced', 'integrity_fail_total', 'service_restarts_total']

t.test('every metric is ours by name, or one that the requirements name, and explains itself', async t => {
  const metrics = await createMetrics().registry.getMetricsAsJSON()
  t.ok(metrics.length > 20)
  for (const { name, help } of metrics) {
    t.ok(name.startsWith('svc_dht_') || GIVEN.includes(name), name)
    t.ok(help.endsWith('.') && help.length > 10, name)
  }
})

t.test('only counters end in _total', async t => {
  for (const { name, type } of await createMetrics().registry.getMetricsAsJSON()) {
    t.equal(name.endsWith('_total'), String(type) === 'counter', name)
  }
})

t.test('refusals of every surface are counted in one place, by reason', async t => {
  const metrics = createMetrics()
  metrics.kad.reject('rate')
  metrics.http.reject('rate')
  metrics.lookup.reject('http_lookup')
  t.equal(await metricValue(metrics, 'rejected_total', 'reason="rate"'), 2)
  t.equal(await metricValue(metrics, 'rejected_total', 'reason="http_lookup"'), 1)
})

t.test('whatever was found altered is in one count, by what it was, however often and by how many it is read', async t => {
  const metrics = createMetrics()
  metrics.audit.integrityFailed.inc({ reason: 'shorter' })
  metrics.audit.integrityFailed.inc({ reason: 'altered' })
  metrics.providers.failures.inc({ kind: 'damaged' })
  metrics.providers.failures.inc({ kind: 'full' })
  await Promise.all([metrics.registry.metrics(), metrics.registry.metrics(), metrics.openMetrics()])
  const counts = await Promise.all(['audit', 'governance', 'providers'].map(async object => await metricValue(metrics, 'integrity_fail_total', `object="${object}"`)))
  t.strictSame(counts, [2, 0, 1])
})

t.test('two daemons in one process do not share their counts', async t => {
  const [one, other] = [createMetrics(), createMetrics()]
  one.kad.reject('rate')
  t.equal(await metricValue(other, 'rejected_total', 'reason="rate"'), 0)
})
