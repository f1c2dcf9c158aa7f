import t from 'tap'
import { LoadMonitor } from '../../src/policy/load-monitor.ts'
import type { WorkKind } from '../../src/policy/load-shedding.ts'

const KINDS: readonly WorkKind[] = ['heavy_lookup', 'lookup', 'provide', 'control']

function setUp (): { readonly load: LoadMonitor, readonly lags: number[], refused (): WorkKind[] } {
  const lags: number[] = []
  const load = new LoadMonitor({ toleratedLagMs: 100 }, { onLag: seconds => lags.push(seconds) })
  const refused = () => KINDS.filter(kind => {
    try {
      load.admit(kind)
      return false
    } catch {
      return true
    }
  })
  return { load, lags, refused }
}

t.test('work is refused in order of its worth as the lag grows, control never', async t => {
  const { load, refused } = setUp()
  const refusedAt = (lagMs: number): WorkKind[] => {
    load.note(lagMs)
    return refused()
  }
  t.strictSame(refusedAt(99), [])
  t.strictSame(refusedAt(100), ['heavy_lookup'])
  t.strictSame(refusedAt(200), ['heavy_lookup', 'lookup'])
  t.strictSame(refusedAt(400), ['heavy_lookup', 'lookup', 'provide'])
  t.strictSame(refusedAt(60_000), ['heavy_lookup', 'lookup', 'provide'])
})

t.test('a refusal says when to try again', async t => {
  const { load } = setUp()
  load.note(100)
  t.throws(() => load.admit('heavy_lookup'), { code: 'NotReady', reason: 'overload', retryAfterMs: 2000 })
})

t.test('a peak counts at once and is forgotten within seconds', async t => {
  const { load, lags, refused } = setUp()
  load.note(1000)
  t.equal(lags.at(-1), 1)
  let samples = 0
  for (; refused().length > 0; samples++) load.note(0)
  t.ok(samples * 50 < 2000, `${samples} samples of 50 ms`)
})

t.test('it measures the lag of the event loop while it runs, and no longer', async t => {
  const { load, lags } = setUp()
  await load.start()
  const blockedUntil = performance.now() + 120
  while (performance.now() < blockedUntil);
  while (lags.length === 0) await new Promise(resolve => setImmediate(resolve))
  t.ok((lags[0] ?? 0) >= 0.05, 'the loop was held for 120 ms, and a sample was due after 50')
  await load.stop()
})
