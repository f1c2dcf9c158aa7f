import fc from 'fast-check'
import t from 'tap'
import { answerRpc } from '../../../src/http/public/ethereum.ts'
import { startTestDaemon } from '../../daemon.ts'
import { only } from '../../patterns.ts'

const NODE = { peerId: 'x', record: () => ({ nodeId: 'ab'.repeat(32), seq: 1n, text: 'enr:-x' }), multiaddrs: () => [], listening: () => [] }

t.test('with the setting on, hive finds the record where beacon and portal nodes have it', async t => {
  const daemon = await startTestDaemon(t, { flags: { 'public.ethereumIdentity': 'true' } })
  const identity = await fetch(`${daemon.publicUrl}/eth/v1/node/identity`)
  t.equal(identity.status, 200)
  t.match(await identity.json(), {
    data: {
      peer_id: daemon.peerId,
      enr: daemon.enr(),
      p2p_addresses: only(...daemon.addresses()),
      discovery_addresses: only(new RegExp(`^/ip4/127\\.0\\.0\\.1/udp/\\d+/p2p/${daemon.peerId}$`)),
      metadata: { seq_number: /^\d+$/, attnets: '0x0000000000000000', syncnets: '0x00' },
    },
  })
  const post = async (body: string, headers = {}) => await fetch(`${daemon.publicUrl}/`, { method: 'POST', body, headers })
  const info = await post('{"jsonrpc":"2.0","id":7,"method":"discv5_nodeInfo","params":[]}', { 'content-type': 'application/json' })
  t.match(await info.json(), { jsonrpc: '2.0', id: 7, result: { enr: daemon.enr(), nodeId: /^0x[0-9a-f]{64}$/ } })
  t.match(await (await post('{"jsonrpc":"2.0","id":"a","method":"eth_blockNumber"}')).json(), { id: 'a', error: { code: -32601 } })
  t.hasStrict(await (await post('{')).json(), { id: null, error: { code: -32700 } })
  t.equal((await post('{"jsonrpc":"2.0","method":"discv5_nodeInfo"}')).status, 204)
  const large = await post('x'.repeat(16 * 1024 + 1))
  t.equal(large.status, 413)
  t.match(await large.json(), { error: { code: 'TooLarge' } })
  const described = await (await fetch(`${daemon.publicUrl}/openapi.json`)).json() as { readonly paths: object }
  t.ok('/eth/v1/node/identity' in described.paths)
})

t.test('unless it is turned on there is neither', async t => {
  const daemon = await startTestDaemon(t)
  t.equal((await fetch(`${daemon.publicUrl}/eth/v1/node/identity`)).status, 400, 'as any path that there is not')
  t.equal((await fetch(`${daemon.publicUrl}/`, { method: 'POST', body: '{}' })).status, 400, 'as any path that there is not')
  const described = await (await fetch(`${daemon.publicUrl}/openapi.json`)).json() as { readonly paths: object }
  t.notOk('/' in described.paths)
})

t.test('a daemon without the plane has no identity, and says so in the words of each API', async t => {
  const daemon = await startTestDaemon(t, { flags: { 'public.ethereumIdentity': 'true', 'discv5.enabled': 'false' } })
  t.equal((await fetch(`${daemon.publicUrl}/eth/v1/node/identity`)).status, 404)
  t.hasStrict(answerRpc('{"jsonrpc":"2.0","id":null,"method":"discv5_nodeInfo"}', undefined), { id: null, error: { code: -32000 } })
})

t.test('whatever is sent is answered in JSON-RPC, and there is one method', async t => {
  for (const body of ['[]', '1', 'null', '{}', '{"jsonrpc":"1.0","id":1,"method":"discv5_nodeInfo"}', '{"jsonrpc":"2.0","id":{},"method":"discv5_nodeInfo"}', '{"jsonrpc":"2.0","id":1,"method":1}']) {
    t.hasStrict(answerRpc(body, NODE), { jsonrpc: '2.0', id: null, error: { code: -32600 } }, body)
  }
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), fc.record({ jsonrpc: fc.constant('2.0'), id: fc.integer(), method: fc.string() }).map(value => JSON.stringify(value))), body => {
    const answer = answerRpc(body, NODE)
    return answer === undefined || (answer.jsonrpc === '2.0' && answer.result === undefined && answer.error !== undefined)
  }))
})
