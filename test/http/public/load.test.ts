import t from 'tap'
import { cid, key, peer } from '../../lookup/support/peers.ts'
import { toName } from '../../lookup/support/planes.ts'
import { startPublicServer } from '../support/public-server.ts'

t.test('under load closest-peer lookups are refused first, then all lookups, with when to come back', async t => {
  const { url, plane, load, metrics } = await startPublicServer(t)
  plane.scripts.set(toName(key('k')), { held: [peer('a')] })
  const statuses = async (): Promise<number[]> => await Promise.all(
    [`/routing/v1/dht/closest/peers/${cid('k')}`, `/routing/v1/providers/${cid('k')}`].map(async path => (await fetch(`${url}${path}`)).status),
  )
  t.strictSame(await statuses(), [200, 200])
  load.note(100)
  t.strictSame(await statuses(), [503, 200])
  load.note(200)
  t.strictSame(await statuses(), [503, 503])

  const refused = await fetch(`${url}/routing/v1/providers/${cid('k')}`)
  t.equal(refused.headers.get('retry-after'), '2')
  t.match(await refused.json(), { error: { code: 'NotReady', retryable: true } })
  t.match(await metrics.registry.getSingleMetricAsString('rejected_total'), 'rejected_total{reason="overload"}')
  for (let samples = 0; samples < 40; samples++) load.note(0)
  t.strictSame(await statuses(), [200, 200], 'once the load is over')
})
