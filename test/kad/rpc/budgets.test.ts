import t from 'tap'
import { RpcBudgets } from '../../../src/kad/rpc/budgets.ts'
import { senderOf } from '../fixtures.ts'

const LIMITS = { streams: 4, streamsPerPeer: 2, streamsPerPrefix: 3, rpcsPerPeerPerSecond: 1, rpcsPerPrefixPerSecond: 2 }
const PREFIX = '203.0.113.0/24'
const STREAMS = { code: 'Backpressure', reason: 'streams' } as const

t.test('a peer may have so many streams open', async t => {
  const budgets = new RpcBudgets(LIMITS)
  budgets.openStream(senderOf('a'))
  budgets.openStream(senderOf('a'))
  t.throws(() => budgets.openStream(senderOf('a')), STREAMS)
  budgets.openStream(senderOf('b'))
  budgets.closeStream(senderOf('a'))
  budgets.openStream(senderOf('a'))
  t.equal(budgets.openStreams, 3)
})

t.test('the peers of a prefix share its streams', async t => {
  const budgets = new RpcBudgets(LIMITS)
  for (const name of ['a', 'b', 'c']) budgets.openStream(senderOf(name, PREFIX))
  t.throws(() => budgets.openStream(senderOf('d', PREFIX)), STREAMS)
  budgets.openStream(senderOf('d', '198.51.100.0/24'))
})

t.test('all peers share the total, those without a prefix too', async t => {
  const budgets = new RpcBudgets(LIMITS)
  for (const name of ['a', 'b', 'c', 'd']) budgets.openStream(senderOf(name))
  t.throws(() => budgets.openStream(senderOf('e')), STREAMS)
  t.equal(budgets.openStreams, 4, 'a refused stream is not counted')
})

t.test('what closed leaves nothing behind', async t => {
  const budgets = new RpcBudgets(LIMITS)
  for (let round = 0; round < 100; round++) {
    budgets.openStream(senderOf('a', PREFIX))
    budgets.closeStream(senderOf('a', PREFIX))
  }
  t.equal(budgets.openStreams, 0)
})

t.test('a peer that asks too often is told when to come back', async t => {
  const budgets = new RpcBudgets(LIMITS)
  for (let taken = 0; taken < 4; taken++) budgets.takeRpc(senderOf('a'), 0)
  t.throws(() => budgets.takeRpc(senderOf('a'), 0), { code: 'Backpressure', reason: 'rate', retryAfterMs: 1000 })
  budgets.takeRpc(senderOf('b'), 0)
  budgets.takeRpc(senderOf('a'), 1000)
})

t.test('peers of one prefix share its rate', async t => {
  const budgets = new RpcBudgets(LIMITS)
  for (const name of ['a', 'a', 'b', 'b', 'c', 'c', 'd', 'd']) budgets.takeRpc(senderOf(name, PREFIX), 0)
  t.throws(() => budgets.takeRpc(senderOf('e', PREFIX), 0), { code: 'Backpressure', reason: 'rate' })
  budgets.takeRpc(senderOf('e'), 0)
})
