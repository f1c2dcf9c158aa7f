import t from 'tap'
import { assertKey } from '../../../src/core/key.ts'
import type { Claim } from '../../../src/kad/provider/provider-records.ts'
import { answerAddProvider } from '../../../src/kad/rpc/add-provider.ts'
import type { PeerEntry } from '../../../src/kad/rpc/message.ts'
import { only } from '../../patterns.ts'
import { addrsOf, bytesOf, keyOf, peerOf, senderOf } from '../fixtures.ts'
import { requestOf } from './requests.ts'

const SENDER = senderOf('a', '203.0.113.0/24')
const PUBLIC = addrsOf('/ip4/203.0.113.7/tcp/1')
const PRIVATE = addrsOf('/ip4/10.0.0.1/tcp/1')

function setUp (scope: 'public' | 'any' = 'public') {
  const claims: Claim[] = []
  const announce = (claim: Claim): 'created' => {
    claims.push(claim)
    return 'created'
  }
  const handler = answerAddProvider({ records: { announce }, scope })
  return { claims, add: (key: Uint8Array, ...providers: readonly PeerEntry[]) => handler(requestOf('ADD_PROVIDER', { key, providers }), SENDER) }
}

const entryOf = (name: string, addrs: readonly Uint8Array[] = PUBLIC): PeerEntry => ({ id: bytesOf(peerOf(name)), addrs })

t.test('the sender’s own announcement is held, and there is no reply', async t => {
  const { claims, add } = setUp()
  t.equal(add(keyOf('k'), entryOf('a')), undefined)
  t.strictSame(claims, [{ key: keyOf('k'), provider: SENDER.bytes, addrs: PUBLIC, prefix: '203.0.113.0/24' }])
})

t.test('entries of others do not count', async t => {
  const { claims, add } = setUp()
  add(keyOf('k'), entryOf('b'), entryOf('a'), entryOf('c'))
  t.match(claims, only({ provider: SENDER.bytes }))
  t.equal(claims.length, 1)
  for (const providers of [[], [entryOf('b')], [{ id: new Uint8Array(0), addrs: PUBLIC }]]) {
    t.throws(() => add(keyOf('k'), ...providers), { code: 'BadRequest', reason: 'provider' })
  }
})

t.test('the key is a multihash of 1 to 80 bytes', async t => {
  const { claims, add } = setUp()
  const longest = assertKey(Buffer.concat([Buffer.from([0, 78]), Buffer.alloc(78)]))
  add(longest, entryOf('a'))
  t.equal(claims.length, 1)
  for (const key of [new Uint8Array(0), Buffer.concat([Buffer.from([0, 79]), Buffer.alloc(79)]), Buffer.alloc(32)]) {
    t.throws(() => add(key, entryOf('a')), { code: 'BadRequest', reason: 'key' }, `${key.byteLength} bytes`)
  }
})

t.test('on a public overlay private addresses are dropped, and with no other the announcement is refused', async t => {
  const { claims, add } = setUp('public')
  add(keyOf('k'), entryOf('a', [...PRIVATE, ...PUBLIC]))
  t.strictSame(claims[0]?.addrs, PUBLIC)
  for (const addrs of [[], PRIVATE, [Buffer.alloc(9, 0xff)]]) {
    t.throws(() => add(keyOf('k'), entryOf('a', addrs)), { code: 'BadRequest', reason: 'addresses' })
  }
})

t.test('on a private overlay they are kept', async t => {
  const { claims, add } = setUp('any')
  add(keyOf('k'), entryOf('a', PRIVATE))
  t.strictSame(claims[0]?.addrs, PRIVATE)
})
