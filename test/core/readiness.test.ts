import t from 'tap'
import { Lifecycle } from '../../src/core/lifecycle.ts'
import { reportReadiness, type ReadinessCheck } from '../../src/core/readiness.ts'

const holds: ReadinessCheck = { name: 'store', reason: () => undefined }
const fails: ReadinessCheck = { name: 'bootstrap', reason: () => 'nobody answered' }

t.test('ready means that every condition holds', async t => {
  t.strictSame(reportReadiness([holds]), { ready: true, reasons: [] })
  t.strictSame(reportReadiness([holds, fails]), { ready: false, reasons: [{ condition: 'bootstrap', reason: 'nobody answered' }] })
})

t.test('nothing checked is not ready', async t => {
  t.strictSame(reportReadiness([]), { ready: false, reasons: [] })
})

t.test('reasons come in the order of the checks', async t => {
  const { reasons } = reportReadiness([fails, new Lifecycle()])
  t.strictSame(reasons.map(({ condition }) => condition), ['bootstrap', 'lifecycle'])
})

t.test('a daemon is ready between its start and its stop, and says which of the two it is in', async t => {
  const lifecycle = new Lifecycle()
  t.equal(lifecycle.reason(), 'the daemon is starting')
  await lifecycle.start()
  t.equal(lifecycle.reason(), undefined)
  await lifecycle.stop()
  await lifecycle.stop()
  t.equal(lifecycle.reason(), 'the daemon is stopping')
})
