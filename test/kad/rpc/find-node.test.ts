import t from 'tap'
import { RoutingView } from '../../../src/kad/routing/routing-view.ts'
import { answerFindNode } from '../../../src/kad/rpc/find-node.ts'
import { decodePeer, encodePeer, type Reply } from '../../../src/kad/rpc/message.ts'
import { addrsOf, bytesOf, peerOf, senderOf } from '../fixtures.ts'
import { requestOf } from './requests.ts'

const ADDRS = addrsOf('/ip4/203.0.113.7/tcp/1')
const SERVERS = Array.from({ length: 30 }, (_, name) => name)
const CLIENT = 'a client we know'

/** A daemon with 30 servers in its table that also knows one client, and itself. */
function setUp () {
  const view = new RoutingView({ count: 20, self: bytesOf(peerOf('self')) })
  for (const name of SERVERS) view.set({ id: peerOf(name).toString(), bytes: bytesOf(peerOf(name)), addrs: ADDRS, groups: [], addedAt: 0 })
  const known = new Map([...SERVERS, CLIENT, 'self'].map(name => [idOf(name), encodePeer({ id: bytesOf(peerOf(name)), addrs: ADDRS })]))
  const handler = answerFindNode({ view, knownPeer: id => known.get(Buffer.from(id).toString('hex')) })
  return (key: Uint8Array, sender: string | number = 'asker') => handler(requestOf('FIND_NODE', { key, clusterLevel: 1 }), senderOf(sender)) as Reply
}

const idOf = (name: string | number): string => Buffer.from(bytesOf(peerOf(name))).toString('hex')
const idsOf = ({ closer = [] }: Reply): string[] => closer.map(peer => Buffer.from(decodePeer(peer).id).toString('hex'))
const find = setUp()

t.test('the closest servers are told, whatever is looked for', async t => {
  for (const key of [bytesOf(peerOf('stranger')), Buffer.from('/ipns/x'), Uint8Array.of(1)]) {
    const reply = find(key)
    t.match(reply, { type: 'FIND_NODE', clusterLevel: 1 })
    t.equal(new Set(idsOf(reply)).size, 20)
  }
})

t.test('a server that is looked for comes first, and once', async t => {
  const ids = idsOf(find(bytesOf(peerOf(7))))
  t.equal(ids[0], idOf(7))
  t.equal(new Set(ids).size, 20)
  t.equal(ids.length, 20)
})

t.test('a client that is looked for comes first, before the closest servers', async t => {
  const ids = idsOf(find(bytesOf(peerOf(CLIENT))))
  t.equal(ids[0], idOf(CLIENT))
  t.equal(new Set(ids).size, 21)
})

t.test('who looks for us finds us', async t => {
  t.equal(idsOf(find(bytesOf(peerOf('self'))))[0], idOf('self'))
})

t.test('a server that asks for itself learns how we know it, and is in no other reply to it', async t => {
  const ids = idsOf(find(bytesOf(peerOf(7)), 7))
  t.equal(ids[0], idOf(7))
  t.equal(ids.filter(id => id === idOf(7)).length, 1)
  t.notOk(idsOf(find(bytesOf(peerOf(8)), 7)).includes(idOf(7)))
})

t.test('an empty key is refused', async t => {
  t.throws(() => find(new Uint8Array(0)), { code: 'BadRequest', reason: 'key' })
})
