import t from 'tap'
import { startPublicServer } from '../http/support/public-server.ts'
import { cid, key, peer } from '../lookup/support/peers.ts'
import { toName, yields, yieldsThenFails, yieldsThenHangs } from '../lookup/support/planes.ts'
import { routingV1Conformance } from './routing-v1.ts'

const RELAY = '/ip4/192.0.2.7/tcp/4001/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5/p2p-circuit'

const MIXED = [
  peer('tcp and quic', ['/ip4/192.0.2.1/tcp/4001', '/ip4/192.0.2.1/udp/4001/quic-v1'], ['transport-bitswap', 'transport-ipfs-gateway-http']),
  peer('ip6 only', ['/ip6/2001:db8::1/tcp/4001', '/ip6/2001:db8::1/udp/4001/quic-v1']),
  peer('websocket', ['/dns4/example.org/tcp/443/tls/ws', RELAY], ['transport-graphsync-filecoinv1']),
  peer('relayed', [RELAY]),
  peer('no addresses', []),
]

/** Sixteen addresses that are as long as we keep them: a hundred of these peers are more than 1 MiB. */
const LARGE = Array.from({ length: 16 }, (_, index) => `/dns4/${`${'x'.repeat(60)}.`.repeat(7)}example.org/tcp/${4000 + index}`)

t.test('the public API conforms to Delegated Routing V1', async t => {
  const { url, plane, clock } = await startPublicServer(t)
  clock.now = Date.now() // records of names end by the real clock
  const gate = Promise.withResolvers<void>()
  plane.scripts.set(toName(key('mixed')), { held: MIXED.slice(0, 2), walk: () => yields(...MIXED.slice(2)) })
  plane.scripts.set(peer('known').id, { walk: () => yields(peer('known')) })
  plane.scripts.set(toName(key('popular')), { held: Array.from({ length: 150 }, (_, index) => peer(index)) })
  plane.scripts.set(toName(key('failing')), { walk: () => yieldsThenFails() })
  plane.scripts.set(toName(key('breaking')), { walk: () => yieldsThenFails(peer('a')) })
  plane.scripts.set(toName(key('growing')), {
    held: [peer('a')],
    async * walk () {
      await gate.promise
      yield peer('b')
    },
  })
  const exhausted = await startPublicServer(t, { requestsPerPrefixPerSecond: 0.1 })
  await fetch(`${exhausted.url}/openapi.json`) // all that there is
  const slow = await startPublicServer(t, { deadlineMs: 50 })
  slow.plane.scripts.set(toName(key('slow')), { walk: walk => yieldsThenHangs(walk, peer('a')) })

  await routingV1Conformance(t, url, {
    cid: cid('mixed'),
    peerId: peer('known').id,
    popularCid: cid('popular'),
    canPublish: true,
    growing: { cid: cid('growing'), release: gate.resolve },
    failingCid: cid('failing'),
    breakingCid: cid('breaking'),
    exhaustedUrl: exhausted.url,
    slowUrl: `${slow.url}/routing/v1/providers/${cid('slow')}`,
  })
})

t.test('a hundred large records do not make a JSON answer that clients refuse', async t => {
  const { url, plane } = await startPublicServer(t)
  plane.scripts.set(toName(key('large')), { held: Array.from({ length: 150 }, (_, index) => peer(index, LARGE)) })
  const response = await fetch(`${url}/routing/v1/providers/${cid('large')}`)
  const body = await response.text()
  t.ok(Buffer.byteLength(body) <= 1024 * 1024)
  t.ok(JSON.parse(body).Providers.length < 150)
  t.equal(response.headers.get('routing-truncated'), 'limit')
})
