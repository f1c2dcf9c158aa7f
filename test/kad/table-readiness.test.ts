import t from 'tap'
import { selfLookupDone, tableWarmth } from '../../src/kad/table-readiness.ts'
import { FakeEngine } from './fake-engine.ts'

t.test('the table is warm from so many peers on', async t => {
  t.equal(tableWarmth({ size: 1 }, 2).reason(), 'the routing table holds 1 of at least 2 peers')
  t.equal(tableWarmth({ size: 2 }, 2).reason(), undefined)
})

t.test('the look-up of our own ID must have run once', async t => {
  const engine = new FakeEngine()
  const check = selfLookupDone(engine)
  t.match(check.reason(), 'has not run yet')
  engine.endSelfLookup()
  t.equal(check.reason(), undefined)
})
