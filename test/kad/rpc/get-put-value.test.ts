import t from 'tap'
import { RoutingView } from '../../../src/kad/routing/routing-view.ts'
import { answerGetValue } from '../../../src/kad/rpc/get-value.ts'
import { answerPutValue } from '../../../src/kad/rpc/put-value.ts'
import { decodeValueRecord, encodeValueRecord } from '../../../src/kad/value/value-record.ts'
import { ValueStore } from '../../../src/kad/value/value-store.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { addrsOf, bytesOf, HOUR_MS, peerOf, senderOf, TestClock } from '../fixtures.ts'
import { IpnsOwner, publicKeyValue, REAL_NOW } from '../value/values.ts'
import { requestOf } from './requests.ts'

function setUp () {
  const clock = new TestClock(REAL_NOW)
  const values = new ValueStore({ records: 100, recordsPerPeer: 1, ttlMs: HOUR_MS }, { metrics: createMetrics().kad, now: clock.now })
  const view = new RoutingView({ count: 20, self: bytesOf(peerOf('self')) })
  for (const name of [1, 2]) view.set({ id: peerOf(name).toString(), bytes: bytesOf(peerOf(name)), addrs: addrsOf('/ip4/203.0.113.7/tcp/1'), groups: [], addedAt: 0 })
  const [putHandler, getHandler] = [answerPutValue({ values }), answerGetValue({ values, view })]
  return {
    clock,
    put: async (key: Uint8Array, record: Uint8Array | undefined, sender = 'a') => await putHandler(requestOf('PUT_VALUE', { key, record, clusterLevel: 4 }), senderOf(sender)),
    get: async (key: Uint8Array, sender: string | number = 'b') => await getHandler(requestOf('GET_VALUE', { key, clusterLevel: 4 }), senderOf(sender)),
  }
}

const { key, value } = await publicKeyValue()
const record = encodeValueRecord({ key, value }, REAL_NOW)

t.test('a value that is put is told, and the reply to it is the request', async t => {
  const { put, get } = setUp()
  t.strictSame(await put(key, record), { type: 'PUT_VALUE', key, record, clusterLevel: 4 })
  const reply = await get(key)
  t.match(reply, { type: 'GET_VALUE', key, clusterLevel: 4 })
  t.strictSame(decodeValueRecord(reply?.record ?? new Uint8Array(0)).value, value)
})

t.test('with or without a value the closest servers are told, but not the one that asks', async t => {
  const { get } = setUp()
  const reply = await get(key)
  t.equal(reply?.record, undefined)
  t.equal(reply?.closer?.length, 2)
  t.equal((await get(key, 1))?.closer?.length, 1)
})

t.test('a value that ended is not told', async t => {
  const { put, get, clock } = setUp()
  await put(key, record)
  clock.advance(HOUR_MS)
  t.equal((await get(key))?.record, undefined)
})

t.test('a record must be there and be for the key', async t => {
  const { put } = setUp()
  await t.rejects(put(key, undefined), { code: 'BadRequest', reason: 'record' })
  await t.rejects(put((await publicKeyValue()).key, record), { code: 'BadRequest', reason: 'record' })
  await t.rejects(put(key, Buffer.from('garbage')), { code: 'BadRequest', reason: 'decode' })
})

t.test('an older value is refused, and so is one peer that stores too many', async t => {
  const { put } = setUp()
  const owner = await IpnsOwner.create()
  const recordOf = async (sequence: number): Promise<Uint8Array> => encodeValueRecord({ key: owner.key, value: await owner.record(sequence) }, REAL_NOW)
  await put(owner.key, await recordOf(2))
  await t.rejects(put(owner.key, await recordOf(1)), { code: 'Conflict', reason: 'stale' })
  await t.rejects(put(key, record), { code: 'Backpressure', reason: 'quota_values' })
  await put(key, record, 'another')
})

t.test('other keys hold no values', async t => {
  const { put, get } = setUp()
  const other = Buffer.from('/other/key')
  await t.rejects(get(other), { code: 'BadRequest', reason: 'key' })
  await t.rejects(put(other, encodeValueRecord({ key: other, value }, 0)), { code: 'BadRequest', reason: 'key' })
})
