import { base58btc } from 'multiformats/bases/base58'
import t from 'tap'
import { DhtError } from '../../../src/core/errors.ts'
import { CID, fakePorts, fetchJson, HEX, KEY, PEER, startDaemon } from './fake-daemon.ts'

t.test('status is what the daemon says of itself', async t => {
  const socket = await startDaemon(t)
  t.same(await fetchJson(socket, { path: '/v1/status' }), { status: 200, body: fakePorts().status() })
})

t.test('peers are the routing table', async t => {
  const socket = await startDaemon(t)
  t.same(await fetchJson(socket, { path: '/v1/peers' }), { status: 200, body: { peers: fakePorts().peers() } })
})

t.test('records are found under every text of a key, percent-encoded where a path needs it', async t => {
  const asked: string[] = []
  const socket = await startDaemon(t, { records: key => { asked.push(Buffer.from(key).toString('hex')); return [] } })
  const base58 = base58btc.encode(Buffer.from(`1e20${HEX}`, 'hex'))
  const texts = [KEY, `b3:${HEX.toUpperCase()}`, CID, CID.toUpperCase(), `f1e20${HEX}`, base58, base58.slice(1)]
  for (const text of texts) {
    t.same(await fetchJson(socket, { path: `/v1/records/${encodeURIComponent(text)}` }), { status: 200, body: { key: KEY, cid: CID, records: [] } }, text)
  }
  t.same(new Set(asked), new Set([`1e20${HEX}`]), 'the port is given the multihash')

  const withSlashes = await fetchJson(socket, { path: `/v1/records/${encodeURIComponent(`mHiD${'/'.repeat(42)}w`)}` })
  t.match(withSlashes, { status: 200, body: { key: `b3:${'ff'.repeat(32)}` } }, 'base64 with slashes')
})

t.test('text that is no key is a bad request with a hint', async t => {
  const socket = await startDaemon(t)
  for (const path of ['/v1/records/nonsense', '/v1/records/b3%3Aff', `/v1/records/${'f'.repeat(600)}`]) {
    t.match(await fetchJson(socket, { path }), { status: 400, body: { error: { code: 'BadRequest', message: /^Not a key/, hint: /CID/, retryable: false } } })
  }
})

t.test('quotas are those of the peer that was asked for', async t => {
  const socket = await startDaemon(t)
  t.match(await fetchJson(socket, { path: `/v1/quotas/${PEER}` }), { status: 200, body: { peer: PEER, records: { used: 50, limit: 200 } } })
})

t.test('who holds most is told without naming a peer', async t => {
  const socket = await startDaemon(t)
  t.match(await fetchJson(socket, { path: '/v1/quotas' }), { status: 200, body: fakePorts().topHolders() })
})

t.test('what a port refuses reaches the client with its code', async t => {
  const socket = await startDaemon(t, { quotas: () => { throw new DhtError('BadRequest', 'Not a peer ID.', { hint: 'It starts with 12D3.' }) } })
  t.match(await fetchJson(socket, { path: '/v1/quotas/x' }), { status: 400, body: { error: { code: 'BadRequest', message: 'Not a peer ID.', hint: 'It starts with 12D3.' } } })
})

t.test('the configuration and its digest can be read', async t => {
  const socket = await startDaemon(t)
  const { config } = fakePorts()
  t.same(await fetchJson(socket, { path: '/v1/config' }), { status: 200, body: config })
  t.same(await fetchJson(socket, { path: '/v1/config/digest' }), { status: 200, body: { digest: config.digest } })
})

t.test('other paths do not exist', async t => {
  const socket = await startDaemon(t)
  t.match(await fetchJson(socket, { path: '/v1/nothing' }), { status: 404, body: { error: { code: 'NotFound' } } })
})
