import { once } from 'node:events'
import { get } from 'node:http'
import t from 'tap'
import type { PeerRecord, Walk } from '../../../src/core/peer.ts'
import { cid, key, peer, peerId } from '../../lookup/support/peers.ts'
import { toName, yields, yieldsThenHangs, type Script } from '../../lookup/support/planes.ts'
import { startPublicServer } from '../support/public-server.ts'
import { getRaw, sendBytes } from '../support/raw.ts'

const NDJSON = { accept: 'application/x-ndjson' }
const [a, b] = [peer('a'), peer('b')]

async function start (t: Parameters<typeof startPublicServer>[0], script: Script, options: Parameters<typeof startPublicServer>[1] = {}) {
  const server = await startPublicServer(t, options)
  server.plane.scripts.set(toName(key('k')), script)
  server.plane.scripts.set(peerId('a'), script)
  return { ...server, providers: `${server.url}/routing/v1/providers/${cid('k')}` }
}

t.test('addresses come in the order to dial them: direct before relayed, public before private', async t => {
  const relay = '/ip4/192.0.2.7/tcp/4001/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5/p2p-circuit'
  const addrs = [relay, '/ip6/fd00::1/tcp/1', '/ip4/192.168.0.2/tcp/1', '/ip4/203.0.113.9/tcp/1', '/dns4/example.org/tcp/443/tls/ws']
  const { providers } = await start(t, { held: [peer('a', addrs)] })
  const { Providers: [first] } = await (await fetch(providers)).json() as { Providers: Array<{ Addrs: string[] }> }
  t.strictSame(first?.Addrs, ['/dns4/example.org/tcp/443/tls/ws', '/ip4/203.0.113.9/tcp/1', '/ip4/192.168.0.2/tcp/1', '/ip6/fd00::1/tcp/1', relay])
})

t.test('equal answers are equal bytes, whatever the order in which addresses were learned', async t => {
  const { providers, plane } = await start(t, { held: [peer('a', ['/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.2/tcp/1'])] })
  const first = await (await fetch(providers)).text()
  plane.scripts.set(toName(key('k')), { held: [peer('a', ['/ip4/192.0.2.2/tcp/1', '/ip4/192.0.2.1/tcp/1'])] })
  t.equal(await (await fetch(providers)).text(), first)
})

t.test('the limit counts what the client gets: filtered peers take no place', async t => {
  const mixed = Array.from({ length: 40 }, (_, index) => peer(index, [index % 2 === 0 ? '/ip4/192.0.2.1/tcp/1' : '/ip4/192.0.2.1/udp/1/quic-v1']))
  const { providers } = await start(t, { held: mixed }, { jsonRecords: 20 })
  const whole = await fetch(`${providers}?filter-addrs=tcp`)
  t.equal((await whole.json() as { Providers: [] }).Providers.length, 20)
  t.equal(whole.headers.get('routing-truncated'), null, 'there are exactly twenty')
  const cut = await fetch(`${providers}?filter-addrs=tcp,quic-v1`)
  t.equal((await cut.json() as { Providers: [] }).Providers.length, 20)
  t.equal(cut.headers.get('routing-truncated'), 'limit')
})

t.test('a stream that reached its limit says so in its trailer', async t => {
  const { providers } = await start(t, { walk: () => yields(a, b) }, { ndjsonRecords: 1 })
  const response = await getRaw(providers, { headers: NDJSON })
  t.equal(response.body.split('\n').length, 2)
  t.match(response, { trailers: { 'routing-truncated': 'limit' }, complete: true })
})

t.test('a whole stream has no trailer', async t => {
  const { providers } = await start(t, { walk: () => yields(a, b) })
  t.strictSame((await getRaw(providers, { headers: NDJSON })).trailers, {})
})

t.test('an answer that was ready before its header is fully cacheable in NDJSON too', async t => {
  const { providers, url, clock } = await start(t, { held: [a], walk: () => yields(b) })
  await (await fetch(providers)).text()
  clock.now += 5000
  const cached = await fetch(providers, { headers: NDJSON })
  t.equal((await cached.text()).split('\n').length, 3)
  t.match(cached.headers.get('cache-control'), /max-age=300, stale/)
  t.equal(cached.headers.get('last-modified'), new Date(clock.now - 5000).toUTCString())
  t.equal((await fetch(providers, { headers: { ...NDJSON, 'if-modified-since': cached.headers.get('last-modified') ?? '' } })).status, 304)
  const known = await fetch(`${url}/routing/v1/peers/${peerId('a')}`, { headers: NDJSON })
  t.match(known.headers.get('cache-control'), /max-age=300, stale/)
  t.equal((await known.text()).split('\n').length, 2)
})

t.test('a new provider ends what If-Modified-Since can spare', async t => {
  const { providers, plane, clock } = await start(t, { held: [a] })
  const first = await fetch(providers)
  await first.text()
  const since = { 'if-modified-since': first.headers.get('last-modified') ?? '' }
  clock.now += 2000
  t.equal((await fetch(providers, { headers: since })).status, 304)
  t.equal((await fetch(providers, { headers: { 'if-modified-since': 'yesterday' } })).status, 200)
  plane.scripts.set(toName(key('k')), { held: [a, b] })
  t.equal((await fetch(providers, { headers: since })).status, 200)
})

t.test('an answer that the deadline emptied is not kept as an empty one', async t => {
  const { providers } = await start(t, { walk: walk => yieldsThenHangs(walk) }, { deadlineMs: 1 })
  for (const headers of [{}, NDJSON]) {
    const response = await fetch(providers, { headers })
    t.equal(response.status, 200)
    t.equal(response.headers.get('cache-control'), 'no-store')
    t.equal(response.headers.get('routing-truncated'), 'deadline')
  }
})

t.test('too many lookups at once are refused with 429, before any byte of an answer', async t => {
  const begun = Promise.withResolvers<void>()
  const { providers, plane } = await start(t, { walk: walk => { begun.resolve(); return yieldsThenHangs(walk) } }, { concurrent: 1 })
  const gone = new AbortController()
  const first = fetch(providers, { signal: gone.signal })
  first.catch(() => {})
  await begun.promise
  plane.scripts.set(toName(key('other')), { held: [a] })
  for (const headers of [{}, NDJSON]) {
    const refused = await fetch(providers.replace(cid('k'), cid('other')), { headers })
    t.equal(refused.status, 429)
    t.ok(refused.headers.get('retry-after'))
    t.match(await refused.json(), { error: { code: 'Backpressure', retryable: true } })
  }
  gone.abort()
})

t.test('a client that leaves ends the walk, with and without a stream', async t => {
  for (const headers of [{}, NDJSON]) {
    const begun = Promise.withResolvers<Walk>()
    const { providers } = await start(t, { walk: walk => { begun.resolve(walk); return yieldsThenHangs(walk, a) } })
    const gone = new AbortController()
    const request = fetch(providers, { headers, signal: gone.signal }).then(response => response.text())
    const { signal } = await begun.promise
    const stopped = once(signal, 'abort')
    gone.abort()
    await t.rejects(request, { name: 'AbortError' })
    await stopped
    t.ok(signal.aborted)
  }
})

t.test('a client that does not read is not read for: the walk waits', async t => {
  const large = Array.from({ length: 16 }, (_, index) => `/dns4/${`${'x'.repeat(60)}.`.repeat(7)}example.org/tcp/${4000 + index}`)
  const total = 5000 // some 40 MB: more than any socket buffer takes
  let made = 0
  async function * walk (): AsyncGenerator<PeerRecord> {
    while (made < total) yield peer(made++, large)
  }
  const { providers, url } = await start(t, { walk }, { ndjsonRecords: total })
  const [response] = await once(get(providers, { headers: NDJSON, agent: false }), 'response')
  let before: number
  do {
    before = made
    for (let turn = 0; turn < 10; turn++) await (await fetch(`${url}/openapi.json`)).text() // others are served meanwhile
  } while (made !== before)
  t.ok(made > 0 && made < total, `${made} records were looked for`)
  await response.resume().toArray()
  t.equal(made, total, 'reading on brings the rest')
})

t.test('HTTP/1.0 has no chunks, so its answer is whole before it leaves and says all in its header', async t => {
  const { providers, url } = await start(t, { walk: walk => yieldsThenHangs(walk, a) }, { deadlineMs: 1 })
  const answer = await sendBytes(url, `GET ${new URL(providers).pathname} HTTP/1.0\r\nAccept: application/x-ndjson\r\n\r\n`)
  t.match(answer, /\r\nrouting-truncated: deadline\r\n/)
  t.match(answer, /\r\ncontent-length: \d+\r\n/)
})

t.test('HEAD has the header of the whole answer', async t => {
  const { providers } = await start(t, { walk: () => yields(a, b) })
  for (const headers of [{}, NDJSON]) {
    const response = await fetch(providers, { method: 'HEAD', headers })
    t.equal(response.status, 200)
    t.match(response.headers.get('cache-control'), /max-age=300/)
  }
})

t.test('the content type is exactly the one of the specification, whole or streamed', async t => {
  const { providers, plane } = await start(t, { walk: () => yields(a) })
  plane.scripts.set(toName(key('empty')), {})
  for (const url of [providers, providers, providers.replace(cid('k'), cid('empty'))]) {
    t.equal((await getRaw(url, { headers: NDJSON })).headers['content-type'], 'application/x-ndjson')
    t.equal((await getRaw(url)).headers['content-type'], 'application/json')
  }
})

t.test('a key is found in every form people write it in', async t => {
  const { url, plane } = await start(t, {})
  const digest = 'ab'.repeat(32)
  plane.scripts.set(toName(Buffer.from(`1e20${digest}`, 'hex')), { held: [a] })
  for (const text of [`b3:${digest}`, `f1e20${digest}`, `f01551e20${digest}`]) {
    const { Providers } = await (await fetch(`${url}/routing/v1/providers/${text}`)).json() as { Providers: unknown[] }
    t.equal(Providers.length, 1, text.slice(0, 10))
  }
})
