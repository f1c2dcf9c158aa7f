import t, { type Test } from 'tap'
import type { ControlAction } from '../../../src/core/control-action.ts'
import { DhtError } from '../../../src/core/errors.ts'
import { TOPIC_PARAMETERS } from '../../../src/discv5/topics/parameters.ts'
import type { AdminPorts } from '../../../src/http/admin/ports.ts'
import { createNode, Network } from '../../discv5/network.ts'
import { only } from '../../patterns.ts'
import { fetchJson, NOW, startDaemon } from './fake-daemon.ts'

const TOPIC = 'ab'.repeat(32)
const UNTIL = '2026-01-02T03:14:05.000Z'

/** The admin API of a node, and what it had recorded, with the number of topics that were advertised by then. */
async function startNode (t: Test, overrides: Partial<AdminPorts> = {}, isOn = true) {
  const node = createNode([new Network().socket('8.1.1.1', 9000)], { topics: isOn ? TOPIC_PARAMETERS : undefined }, { now: () => NOW })
  await node.start()
  t.teardown(async () => await node.stop())
  const recorded: Array<ControlAction & { readonly advertised: number }> = []
  const actions = {
    record: async (action: ControlAction) => {
      recorded.push({ ...action, advertised: node.topics?.advertisements().length ?? 0 })
      return { seq: recorded.length, ts: NOW }
    },
  }
  const socket = await startDaemon(t, { discv5: node, actions, ...overrides })
  const post = async (body: unknown, path = '') => await fetchJson(socket, { method: 'POST', path: `/v1/discv5/topics${path}`, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
  const remove = async (topic: string, query = '') => await fetchJson(socket, { method: 'DELETE', path: `/v1/discv5/topics/${topic}${query}` })
  return { node, recorded, post, remove, get: async () => await fetchJson(socket, { path: '/v1/discv5/topics' }) }
}

t.test('an advertisement is in the audit log before it begins, and so is its end', async t => {
  const { recorded, post, remove, get } = await startNode(t)
  const advertised = [{ topic: TOPIC, until: UNTIL, held: 0, waiting: 0 }]
  t.strictSame(await post({ topic: TOPIC.toUpperCase(), duration: '10m', reason: 'we serve it' }), { status: 200, body: { advertised } })
  t.strictSame(await get(), { status: 200, body: { advertised } })
  t.strictSame(await remove(TOPIC), { status: 200, body: { advertised } })
  t.strictSame(await get(), { status: 200, body: { advertised: [] } })
  t.match(recorded, only(
    { action: 'topic.advertise', reason: 'we serve it', afterDigest: /^b3:/, event: { topic: TOPIC, until: UNTIL }, advertised: 0 },
    { action: 'topic.withdraw', reason: 'withdrawn through the admin API', beforeDigest: /^b3:/, event: { topic: TOPIC }, advertised: 1 },
  ))
})

t.test('without the audit log nothing is advertised and nothing withdrawn', async t => {
  const { node, post, remove } = await startNode(t, { actions: { record: async () => { throw new DhtError('DegradedAudit', 'The log takes no entries.') } } })
  t.match(await post({ topic: TOPIC, duration: '10m' }), { status: 503, body: { error: { code: 'DegradedAudit' } } })
  t.equal(node.topics?.advertisements().length, 0)
  node.topics?.advertise(TOPIC, 60_000)
  t.match(await remove(TOPIC), { status: 503 })
  t.equal(node.topics?.advertisements().length, 1)
})

t.test('what cannot be done is refused and not recorded', async t => {
  const { node, recorded, post, remove } = await startNode(t)
  for (const body of [{ topic: 'x', duration: '1m' }, { topic: TOPIC }, { topic: TOPIC, duration: '0s' }, { topic: TOPIC, duration: '1m', reason: ' ' }, { topic: TOPIC, duration: '1m', more: 1 }, {}]) {
    t.match(await post(body), { status: 400, body: { error: { code: 'BadRequest' } } })
  }
  t.match(await remove(TOPIC), { status: 404, body: { error: { message: 'This topic is not advertised.' } } })
  t.match(await remove('x'), { status: 400 })
  for (let i = 0; i < 16; i++) node.topics?.advertise(i.toString(16).repeat(64), 60_000)
  t.match(await post({ topic: TOPIC, duration: '1m' }), { status: 429, body: { error: { hint: 'Withdraw one first.' } } })
  t.match(await post({ topic: 'f'.repeat(64), duration: '10m' }), { status: 200, body: { advertised: only({ until: UNTIL }) } }, 'the end of one that is advertised can be moved')
  t.equal(recorded.length, 1)
})

t.test('who advertises a topic is asked for within bounds', async t => {
  const { post } = await startNode(t)
  t.strictSame(await post({ topic: TOPIC }, '/find'), { status: 200, body: { topic: TOPIC, advertisers: [], requests: 0, complete: true } })
  for (const body of [{}, { topic: 1 }, { topic: TOPIC, count: 0 }, { topic: TOPIC, count: 101 }]) t.match(await post(body, '/find'), { status: 400 })
})

t.test('a daemon whose node does not speak of topics says what to set', async t => {
  const { recorded, post, remove, get } = await startNode(t, {}, false)
  const refused = { status: 404, body: { error: { hint: /discv5\.topics/ } } }
  t.match(await get(), refused)
  t.match(await post({ topic: TOPIC, duration: '1m' }), refused)
  t.match(await post({ topic: TOPIC }, '/find'), refused)
  t.match(await remove(TOPIC), refused)
  t.equal(recorded.length, 0)
})
