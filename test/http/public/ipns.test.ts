import { generateKeyPair } from '@libp2p/crypto/keys'
import { createIPNSRecord, createIPNSRecordWithExpiration, marshalIPNSRecord } from 'ipns'
import { base58btc } from 'multiformats/bases/base58'
import t from 'tap'
import { toName } from '../../lookup/support/planes.ts'
import { startPublicServer } from '../support/public-server.ts'

const IPNS = 'application/vnd.ipfs.ipns-record'
const NOW = Date.UTC(2026, 0, 1)
const SECOND_NS = 1_000_000_000n

/** A server that holds a record of a new name, valid for a time from the server's now. */
async function startWithRecord (t: Parameters<typeof startPublicServer>[0], { validForMs, ttlNs }: { validForMs: number, ttlNs: bigint }) {
  const server = await startPublicServer(t)
  const privateKey = await generateKeyPair('Ed25519')
  const endOfLife = new Date(NOW + validForMs).toISOString().replace('Z', '000000Z')
  const record = marshalIPNSRecord(await createIPNSRecordWithExpiration(privateKey, '/ipfs/bafkqaaa', 1, endOfLife, { ttlNs }))
  server.values.values.set(toName(Buffer.concat([Buffer.from('/ipns/'), privateKey.publicKey.toMultihash().bytes])), record)
  const name = privateKey.publicKey.toCID().toString()
  return { ...server, record, name, privateKey, read: (headers: Record<string, string> = {}) => fetch(`${server.url}/routing/v1/ipns/${name}`, { headers: { accept: IPNS, ...headers } }) }
}

t.test('a record is fresh for its own TTL, and stale until its end', async t => {
  const { read } = await startWithRecord(t, { validForMs: 3_600_000, ttlNs: 120n * SECOND_NS })
  const response = await read()
  t.equal(response.headers.get('cache-control'), 'public, max-age=120, stale-while-revalidate=3600, stale-if-error=3600')
  t.equal(response.headers.get('expires'), 'Thu, 01 Jan 2026 01:00:00 GMT')
  t.equal(response.headers.get('last-modified'), 'Thu, 01 Jan 2026 00:00:00 GMT')
})

t.test('a record is never fresh beyond its end, and without a TTL for a minute', async t => {
  t.match((await (await startWithRecord(t, { validForMs: 30_000, ttlNs: 120n * SECOND_NS })).read()).headers.get('cache-control'), /max-age=30,/)
  t.match((await (await startWithRecord(t, { validForMs: 3_600_000, ttlNs: 0n })).read()).headers.get('cache-control'), /max-age=60,/)
})

t.test('an expired record is not kept by anyone', async t => {
  const { read } = await startWithRecord(t, { validForMs: -1000, ttlNs: SECOND_NS })
  t.equal((await read()).headers.get('cache-control'), 'no-store')
})

t.test('a client that has the record, in whatever way it says so, gets 304', async t => {
  const { read } = await startWithRecord(t, { validForMs: 3_600_000, ttlNs: SECOND_NS })
  const etag = (await read()).headers.get('etag') ?? ''
  for (const given of [etag, `W/${etag}`, `"other", ${etag}`, '*']) t.equal((await read({ 'if-none-match': given })).status, 304)
  t.equal((await read({ 'if-none-match': '"other"' })).status, 200)
})

t.test('a name may also be the peer ID in base58btc', async t => {
  const { url, privateKey, record } = await startWithRecord(t, { validForMs: 3_600_000, ttlNs: SECOND_NS })
  const name = base58btc.baseEncode(privateKey.publicKey.toMultihash().bytes)
  const response = await fetch(`${url}/routing/v1/ipns/${name}`, { headers: { accept: IPNS } })
  t.strictSame(Buffer.from(await response.arrayBuffer()), Buffer.from(record))
})

t.test('nothing found is not kept long', async t => {
  const { url } = await startPublicServer(t)
  const name = (await generateKeyPair('Ed25519')).publicKey.toCID()
  const response = await fetch(`${url}/routing/v1/ipns/${name}`, { headers: { accept: IPNS } })
  t.equal(response.status, 200)
  t.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8')
  t.equal(response.headers.get('cache-control'), 'public, max-age=15')
})

t.test('publishing can be switched off; then it is not supported, not forbidden', async t => {
  const { url } = await startPublicServer(t, { ipnsPut: false })
  const name = (await generateKeyPair('Ed25519')).publicKey.toCID()
  const response = await fetch(`${url}/routing/v1/ipns/${name}`, { method: 'PUT', headers: { 'content-type': IPNS }, body: 'x' })
  t.equal(response.status, 501)
  const description = await (await fetch(`${url}/openapi.json`)).json() as { paths: Record<string, object> }
  t.strictSame(Object.keys(description.paths['/routing/v1/ipns/{name}'] ?? {}), ['get'])
})

t.test('a publication that the network does not take in time, or fails to take, is not reported as done', async t => {
  const { url, values } = await startPublicServer(t, { deadlineMs: 1 })
  const privateKey = await generateKeyPair('Ed25519')
  const body = Uint8Array.from(marshalIPNSRecord(await createIPNSRecord(privateKey, '/ipfs/bafkqaaa', 1, 3_600_000)))
  const put = () => fetch(`${url}/routing/v1/ipns/${privateKey.publicKey.toCID()}`, { method: 'PUT', headers: { 'content-type': `${IPNS}; v=1` }, body })
  values.publishValue = () => new Promise(() => {})
  t.equal((await put()).status, 504)
  values.publishValue = async () => { throw new Error('disk is gone') }
  t.equal((await put()).status, 500)
})
