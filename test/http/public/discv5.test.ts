import t, { type Test } from 'tap'
import type { PublicNode } from '../../../src/http/public/discv5.ts'
import { startTestDaemon } from '../../daemon.ts'
import { startPublicServer } from '../support/public-server.ts'

const NODE_ID = 'ab'.repeat(32)

async function serve (t: Test, given?: Partial<PublicNode>) {
  const record = { nodeId: NODE_ID, seq: 2n ** 63n, text: 'enr:-x' }
  const node: PublicNode = { peerId: 'x', record: () => record, multiaddrs: () => [], listening: () => [], ...given }
  const { url } = await startPublicServer(t, { node })
  return { record, get: async (headers: Readonly<Record<string, string>> = {}) => await fetch(`${url}/v1/discv5/enr`, { headers }) }
}

t.test('a daemon tells everybody its record, which others join through', async t => {
  const daemon = await startTestDaemon(t)
  const response = await fetch(`${daemon.publicUrl}/v1/discv5/enr`)
  t.equal(response.status, 200)
  t.equal(await response.text(), `${daemon.enr()}\n`)
  t.match(Object.fromEntries(response.headers), { 'content-type': /^text\/plain/, 'cache-control': 'public, max-age=60', vary: 'Accept', 'access-control-allow-origin': '*' })
})

t.test('a daemon without the plane answers 404 in the envelope of every error, which no cache keeps', async t => {
  const daemon = await startTestDaemon(t, { flags: { 'discv5.enabled': 'false' } })
  const response = await fetch(`${daemon.publicUrl}/v1/discv5/enr`)
  t.equal(response.status, 404)
  t.equal(response.headers.get('cache-control'), 'no-store')
  t.match(await response.json(), { error: { code: 'NotFound', retryable: false, request_id: String } })
})

t.test('JSON is for who likes it better than text, and what is neither is refused', async t => {
  const { get } = await serve(t)
  const typeOf = async (accept: string) => (await get({ accept })).headers.get('content-type')?.split(';')[0]
  for (const accept of ['*/*', 'text/plain', 'text/*', 'text/plain, application/json', 'text/html, */*;q=0.1', 'application/json;q=0.5, text/plain']) t.equal(await typeOf(accept), 'text/plain', accept)
  for (const accept of ['application/json', 'application/*', 'application/json, text/plain;q=0.9', 'application/json, */*;q=0.1']) t.equal(await typeOf(accept), 'application/json', accept)
  t.strictSame(await (await get({ accept: 'application/json' })).json(), { node_id: NODE_ID, seq: '9223372036854775808', enr: 'enr:-x' })
  for (const accept of ['image/png', 'text/plain;q=0']) t.equal((await get({ accept })).status, 406, accept)
})

t.test('who has the record is not sent it again, until there is a newer one', async t => {
  let seq = 1n
  const { get } = await serve(t, { record: () => ({ nodeId: NODE_ID, seq, text: `enr:${seq}` }) })
  const etag = (await get()).headers.get('etag') ?? ''
  t.equal((await get({ 'if-none-match': etag })).status, 304)
  t.equal((await get({ 'if-none-match': etag, accept: 'application/json' })).status, 200, 'the other representation is another')
  seq++
  t.equal(await (await get({ 'if-none-match': etag })).text(), 'enr:2\n')
})
