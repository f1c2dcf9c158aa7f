import t from 'tap'
import { RoutingView } from '../../../src/kad/routing/routing-view.ts'
import { TableRefresh } from '../../../src/kad/routing/table-refresh.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { FakeEngine } from '../fake-engine.ts'
import { addrsOf, bytesOf, metricValue, peerOf, silentLog, TestClock } from '../fixtures.ts'

const INTERVAL_MS = 600_000

function setUp (...names: readonly string[]) {
  const clock = new TestClock()
  const metrics = createMetrics()
  const engine = new FakeEngine()
  const view = new RoutingView({ count: 20, self: bytesOf(peerOf('self')) })
  for (const name of names) view.set({ id: peerOf(name).toString(), bytes: bytesOf(peerOf(name)), addrs: addrsOf('/ip4/203.0.113.7/tcp/1'), groups: [], addedAt: clock.now() })
  const asked: string[] = []
  const dead = new Set<string>()
  const client = {
    ping: async (peer: { toString (): string }) => {
      asked.push(peer.toString())
      if (dead.has(peer.toString())) throw new Error('no answer')
    },
  }
  const refresh = new TableRefresh({ intervalMs: INTERVAL_MS }, { view, engine, client, metrics: metrics.kad, log: silentLog, now: clock.now })
  return { clock, metrics, engine, view, asked, dead, refresh }
}

const idOf = (name: string): string => peerOf(name).toString()

t.test('a peer is asked once it was silent for the interval, and again an interval later', async t => {
  const { clock, asked, refresh } = setUp('a')
  clock.advance(INTERVAL_MS - 1)
  await refresh.refresh()
  t.strictSame(asked, [])
  clock.advance(1)
  await refresh.refresh()
  await refresh.refresh()
  t.strictSame(asked, [idOf('a')])
  clock.advance(INTERVAL_MS)
  await refresh.refresh()
  t.equal(asked.length, 2)
})

t.test('who does not answer leaves the table, and is counted; the others stay', async t => {
  const { clock, metrics, engine, dead, refresh } = setUp('a', 'b', 'c')
  dead.add(idOf('b'))
  clock.advance(INTERVAL_MS)
  await refresh.refresh()
  t.strictSame(engine.dropped, [idOf('b')])
  t.equal(await metricValue(metrics, 'svc_dht_kad_table_evicted_total'), 1)
})

t.test('two rounds at once are one', async t => {
  const { clock, asked, refresh } = setUp('a', 'b')
  clock.advance(INTERVAL_MS)
  await Promise.all([refresh.refresh(), refresh.refresh()])
  t.equal(asked.length, 2)
})

t.test('while it stops nobody is taken for dead', async t => {
  const { clock, engine, dead, refresh } = setUp('a')
  dead.add(idOf('a'))
  clock.advance(INTERVAL_MS)
  await refresh.start()
  await refresh.stop()
  await refresh.refresh()
  t.strictSame(engine.dropped, [])
})
