import t from 'tap'
import { Members } from '../../../src/kad/members/members.ts'
import type { MeetingPlace } from '../../../src/kad/members/membership.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { bytesOf, metricValue, peerOf } from '../fixtures.ts'

const idOf = (name: string): string => peerOf(name).toString()

function setUp () {
  const metrics = createMetrics()
  const members = new Members({ self: () => idOf('self'), metrics: metrics.kad })
  const met = async (place: MeetingPlace, effect: string): Promise<number> => await metricValue(metrics, 'svc_dht_kad_outsiders_total', `place="${place}",effect="${effect}"`)
  return { members, metrics, met }
}

t.test('until a list is in force everybody is admitted, and nobody counted', async t => {
  const { members, metrics } = setUp()
  t.ok(members.admits(idOf('a'), 'rpc'))
  t.ok(members.admitsProvider(bytesOf(peerOf('a'))))
  t.notOk(members.outsiders.has(idOf('a')))
  members.replace({ mode: 'off', peers: [] })
  t.ok(members.admits(idOf('a'), 'rpc'))
  t.notMatch(await metrics.registry.metrics(), /^svc_dht_kad_outsiders_total\{/m)
})

t.test('when it is only observed, who is not listed is counted where it was met, and admitted', async t => {
  const { members, metrics, met } = setUp()
  members.replace({ mode: 'observe', peers: [idOf('a')] })
  for (const place of ['connection', 'rpc', 'table'] as const) {
    t.ok(members.admits(idOf('a'), place))
    t.ok(members.admits(idOf('b'), place))
    t.equal(await met(place, 'observed'), 1, place)
  }
  t.ok(members.admitsProvider(bytesOf(peerOf('b'))))
  t.equal(await met('record', 'observed'), 1)
  t.notOk(members.outsiders.has(idOf('b')))
  t.equal(await metricValue(metrics, 'rejected_total', 'reason="member"'), 0)
})

t.test('when it is enforced, members and we are admitted and nobody else', async t => {
  const { members, metrics, met } = setUp()
  members.replace({ mode: 'enforce', peers: [idOf('a')] })
  for (const name of ['a', 'self']) {
    t.ok(members.admits(idOf(name), 'rpc'), name)
    t.ok(members.admitsProvider(bytesOf(peerOf(name))), name)
    t.notOk(members.outsiders.has(idOf(name)) || members.outsiders.hasBytes(bytesOf(peerOf(name))), name)
  }
  t.notOk(members.admits(idOf('b'), 'connection'))
  t.notOk(members.admitsProvider(bytesOf(peerOf('b'))))
  t.ok(members.outsiders.has(idOf('b')))
  t.ok(members.outsiders.hasBytes(bytesOf(peerOf('b'))))
  t.equal(await met('connection', 'refused'), 1)
  t.equal(await metricValue(metrics, 'rejected_total', 'reason="member"'), 1)
})

t.test('peers are known by whatever text names them', async t => {
  const { members } = setUp()
  members.replace({ mode: 'enforce', peers: [peerOf('a').toCID().toString()] })
  t.ok(members.admits(idOf('a'), 'rpc'))
})

t.test('a list that names no peer, or would cut everybody off, is refused and changes nothing', async t => {
  const { members } = setUp()
  members.replace({ mode: 'enforce', peers: [idOf('a')] })
  t.throws(() => members.replace({ mode: 'enforce', peers: [] }), { code: 'BadRequest', message: /cut everybody off/ })
  t.throws(() => members.replace({ mode: 'off', peers: [idOf('b'), 'nonsense'] }), { code: 'BadRequest' })
  t.throws(() => members.replace({ mode: 'off', peers: Array.from({ length: 100_001 }, () => idOf('a')) }), { code: 'BadRequest', message: /At most/ })
  t.equal(members.mode, 'enforce')
  t.notOk(members.admits(idOf('b'), 'rpc'))
})
