import t from 'tap'
import { cid, key, peer } from '../../lookup/support/peers.ts'
import { toName } from '../../lookup/support/planes.ts'
import { only } from '../../patterns.ts'
import { startPublicServer } from '../support/public-server.ts'

t.test('who asks beyond the rate of its network is refused until tokens are back', async t => {
  const { url, clock, metrics } = await startPublicServer(t, { requestsPerPrefixPerSecond: 1 })
  const path = `${url}/routing/v1/providers/${cid('k')}`
  for (let request = 0; request < 4; request++) t.equal((await fetch(path)).status, 200, 'four seconds’ worth in reserve')
  const refused = await fetch(path)
  t.equal(refused.status, 429)
  t.equal(refused.headers.get('retry-after'), '1')
  t.equal(refused.headers.get('access-control-allow-origin'), '*', 'so that a page can read why')
  t.match(await refused.json(), { error: { code: 'Backpressure', retryable: true } })
  clock.now += 1000
  t.equal((await fetch(path)).status, 200)
  const { values } = await metrics.registry.getSingleMetric('rejected_total')?.get() ?? { values: [] }
  t.match(values, only({ labels: { reason: 'http_rate' }, value: 1 }))
})

t.test('a stricter policy leaves less of the rate, from the moment it is in force', async t => {
  let factor = 0.5
  const { url, clock } = await startPublicServer(t, { requestsPerPrefixPerSecond: 2, rateFactor: () => factor })
  const served = async () => {
    let count = 0
    while ((await fetch(`${url}/openapi.json`)).status === 200) count++
    return count
  }
  t.equal(await served(), 4)
  factor = 1
  clock.now += 10_000
  t.equal(await served(), 8)
})

t.test('a page learns from the preflight what it may send, and from every answer what it may read', async t => {
  const { url } = await startPublicServer(t)
  const preflight = await fetch(`${url}/routing/v1/ipns/x`, { method: 'OPTIONS' })
  t.equal(preflight.status, 204)
  t.match(preflight.headers.get('access-control-allow-methods'), 'PUT')
  t.match(preflight.headers.get('access-control-allow-headers'), 'Content-Type')
  for (const path of ['/openapi.json', '/unknown', '/routing/v1/providers/%zz', `/${'x'.repeat(5000)}`]) {
    t.equal((await fetch(url + path)).headers.get('access-control-allow-origin'), '*', path.slice(0, 40))
  }
})

t.test('filters that would silently filter other than meant are refused', async t => {
  const { url, plane } = await startPublicServer(t)
  plane.scripts.set(toName(key('k')), { held: [peer('a')] })
  const statusOf = async (query: string) => (await fetch(`${url}/routing/v1/providers/${cid('k')}?${query}`)).status
  for (const query of [
    'filter-addrs=', 'filter-addrs=tcp,,udp', 'filter-addrs=!', 'filter-addrs=a%20b', 'filter-protocols=!transport-bitswap', 'filter-addrs=t%C3%A4p',
    `filter-addrs=${'x'.repeat(64)}`, `filter-addrs=${new Array(33).fill('tcp').join(',')}`, 'filter-addrs=tcp&filter-addrs=',
  ]) t.equal(await statusOf(query), 422, query.slice(0, 50))
  for (const query of [`filter-addrs=!${'x'.repeat(63)}`, 'filter-addrs=tcp&filter-addrs=udp', 'unheard-of=1', 'filter-protocols=/ipfs/bitswap/1.2.0']) {
    t.equal(await statusOf(query), 200, query.slice(0, 50))
  }
})

t.test('a filter reads addresses with protocols newer than itself', async t => {
  const { url, plane } = await startPublicServer(t)
  plane.scripts.set(toName(key('k')), { held: [peer('new', ['/ip4/192.0.2.1/udp/1/warp-v9']), peer('name', ['/dns4/warp-v9/tcp/1'])] })
  const { Providers } = await (await fetch(`${url}/routing/v1/providers/${cid('k')}?filter-addrs=warp-v9`)).json() as { Providers: Array<{ ID: string }> }
  t.strictSame(Providers.map(({ ID }) => ID), [peer('new').id], 'and does not take a host name for a protocol')
})
