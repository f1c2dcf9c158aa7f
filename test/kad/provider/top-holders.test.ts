import fc from 'fast-check'
import t from 'tap'
import { ProviderRecords } from '../../../src/kad/provider/provider-records.ts'
import { MemoryProviderStore } from '../../../src/kad/provider/store/memory.ts'
import { TopHolders } from '../../../src/kad/provider/top-holders.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { bytesOf, HOUR_MS, keyOf, metricValue, peerOf, TestClock } from '../fixtures.ts'

/** Ranks a plain list of counts, so many rows a look. */
function rank (counts: readonly number[], rows: number): { readonly top: TopHolders, readonly told: number[][] } {
  const told: number[][] = []
  const top = new TopHolders({ rows }, {
    tell: ({ from, rows }, tell) => {
      for (const [index, records] of counts.slice(from, from + rows).entries()) tell(String(from + index), records)
      return from + rows < counts.length ? from + rows : undefined
    },
    onRanked: records => { told.push([...records]) },
  })
  return { top, told }
}

t.test('after one round the ten largest are known, whatever the order and the slices', async t => {
  fc.assert(fc.property(fc.array(fc.nat({ max: 50 }), { maxLength: 60 }), fc.integer({ min: 1, max: 70 }), (counts, rows) => {
    const { top, told } = rank(counts, rows)
    for (let look = 0; look < Math.max(1, Math.ceil(counts.length / rows)); look++) top.look()
    const largest = counts.toSorted((a, b) => b - a).slice(0, 10)
    return told.length === 1 && JSON.stringify(told[0]) === JSON.stringify([...largest, ...Array<number>(10 - largest.length).fill(0)]) &&
      top.ranked.every(({ who, records }) => counts[Number(who)] === records) && new Set(top.ranked.map(({ who }) => who)).size === largest.length
  }))
  t.pass()
})

t.test('until a round is through, the ranks of the round before are told', async t => {
  const { top } = rank([3, 1, 2], 2)
  top.look()
  t.strictSame(top.ranked, [])
  top.look()
  t.strictSame(top.ranked.map(({ records }) => records), [3, 2, 1])
  top.look()
  t.strictSame(top.ranked.map(({ records }) => records), [3, 2, 1])
})

t.test('who fills the store is seen in the metrics by rank, and by name only when asked', async t => {
  const metrics = createMetrics()
  const limits = { records: 1000, recordsPerPeer: 100, recordsPerPrefix: 500, recordsPerKey: 50, addsPerPeerPerSecond: 100, ttlMs: HOUR_MS }
  const records = new ProviderRecords(limits, { store: new MemoryProviderStore(), metrics: metrics.providers, now: new TestClock().now })
  for (let key = 0; key < 5; key++) records.announce({ key: keyOf(key), provider: bytesOf(peerOf('large')), addrs: [], prefix: '203.0.113.0/24' })
  records.announce({ key: keyOf(1), provider: bytesOf(peerOf('small')), addrs: [], prefix: '198.51.100.0/24' })
  records.removeExpired()
  records.rankHolders()
  t.equal(await metricValue(metrics, 'svc_dht_provider_top_records', 'holder="peer",rank="1"'), 5)
  t.equal(await metricValue(metrics, 'svc_dht_provider_top_records', 'holder="prefix",rank="2"'), 1)
  t.equal(await metricValue(metrics, 'svc_dht_provider_top_records', 'holder="prefix",rank="3"'), 0)
  t.strictSame(records.topHolders('peer')[0], { who: bytesOf(peerOf('large')), records: 5 })
  t.notMatch(await metrics.registry.metrics(), /203\.0\.113|198\.51/)
  t.ok(await metricValue(metrics, 'svc_dht_provider_bytes') > 1000)
})
