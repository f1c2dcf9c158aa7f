import t from 'tap'
import { MAX_FRAME_BYTES } from '../../../src/core/limits.ts'
import { ProviderRecords } from '../../../src/kad/provider/provider-records.ts'
import { MemoryProviderStore } from '../../../src/kad/provider/store/memory.ts'
import { RoutingView } from '../../../src/kad/routing/routing-view.ts'
import { FrameSplitter } from '../../../src/kad/rpc/frames.ts'
import { answerGetProviders } from '../../../src/kad/rpc/get-providers.ts'
import { decodePeer, encodeReply, type Reply } from '../../../src/kad/rpc/message.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { only } from '../../patterns.ts'
import { addrsOf, bytesOf, HOUR_MS, keyOf, peerOf, senderOf, TestClock } from '../fixtures.ts'
import { requestOf } from './requests.ts'

const KEY = keyOf('k')
const ADDRS = addrsOf('/ip4/203.0.113.7/tcp/1')
const LIMITS = { records: 1e6, recordsPerPeer: 1e6, recordsPerPrefix: 1e6, recordsPerKey: 1e6, addsPerPeerPerSecond: 1e6, ttlMs: HOUR_MS }

function setUp () {
  const clock = new TestClock()
  const view = new RoutingView({ count: 20, self: bytesOf(peerOf('self')) })
  const records = new ProviderRecords(LIMITS, { store: new MemoryProviderStore(), metrics: createMetrics().providers, now: clock.now })
  const handler = answerGetProviders({ records, view })
  const announce = (name: string | number, addrs = ADDRS): unknown => records.announce({ key: KEY, provider: bytesOf(peerOf(name)), addrs, prefix: undefined })
  const ask = (key = KEY, sender = 'client') => handler(requestOf('GET_PROVIDERS', { key, clusterLevel: 3 }), senderOf(sender)) as Reply
  return { clock, view, announce, ask }
}

const idsOf = (peers: Reply['closer'] = []): string[] => peers.map(peer => Buffer.from(decodePeer(peer).id).toString('hex'))
const idOf = (name: string | number): string => Buffer.from(bytesOf(peerOf(name))).toString('hex')

t.test('live providers are told with their addresses', async t => {
  const { announce, ask, clock } = setUp()
  announce('a')
  clock.advance(HOUR_MS / 2)
  announce('b')
  t.match(ask(), { type: 'GET_PROVIDERS', key: KEY, clusterLevel: 3 })
  t.strictSame(idsOf(ask().providers).sort(), [idOf('a'), idOf('b')].sort())
  t.match(ask().providers?.map(decodePeer), only({ addrs: { length: 1 } }, { addrs: { length: 1 } }))
  clock.advance(HOUR_MS / 2)
  t.strictSame(idsOf(ask().providers), [idOf('b')])
  t.strictSame(ask(keyOf('other')).providers, [])
})

t.test('the order changes, so that every provider gets its share', async t => {
  const { announce, ask } = setUp()
  for (let name = 0; name < 5; name++) announce(name)
  const firsts = new Set(Array.from({ length: 300 }, () => idsOf(ask().providers)[0]))
  t.equal(firsts.size, 5)
})

t.test('more fat records than fit a frame are told as far as they fit', async t => {
  const { announce, ask } = setUp()
  const fat = Array.from({ length: 16 }, (_, index) => addrsOf(`/dns4/${index}${'x'.repeat(490)}/tcp/1`)).flat()
  for (let name = 0; name < 2000; name++) announce(name, fat)
  const reply = ask()
  const [frame] = new FrameSplitter().push(encodeReply(reply))
  const room = MAX_FRAME_BYTES - (frame?.byteLength ?? 0)
  t.ok(room >= 0 && room < 10_000, 'one more would not have fitted')
  t.ok((reply.providers?.length ?? 0) > 400)
})

t.test('the closest servers are told, without the one that asks', async t => {
  const { view, ask } = setUp()
  for (let name = 0; name < 5; name++) view.set({ id: peerOf(name).toString(), bytes: bytesOf(peerOf(name)), addrs: ADDRS, groups: [], addedAt: 0 })
  t.equal(ask().closer?.length, 5)
  const closer = idsOf(ask(KEY, '3').closer)
  t.strictSame(closer.length, 4)
  t.notOk(closer.includes(idOf(3)))
})

t.test('the key is a multihash', async t => {
  const { ask } = setUp()
  for (const key of [new Uint8Array(0), Buffer.alloc(32), Buffer.from('/ipns/x')]) t.throws(() => ask(key), { code: 'BadRequest', reason: 'key' })
})
