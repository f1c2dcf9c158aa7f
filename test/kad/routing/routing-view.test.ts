import fc from 'fast-check'
import t from 'tap'
import { compareDistance, kadIdOf } from '../../../src/kad/keyspace.ts'
import { decodePeer } from '../../../src/kad/rpc/message.ts'
import { RoutingView } from '../../../src/kad/routing/routing-view.ts'
import { only } from '../../patterns.ts'
import { addrsOf, bytesOf, peerOf } from '../fixtures.ts'

const SELF = bytesOf(peerOf('self'))
const ADDRS = addrsOf('/ip4/203.0.113.7/tcp/1')

function viewOf (names: Iterable<string | number>, count = 20): RoutingView {
  const view = new RoutingView({ count, self: SELF })
  for (const name of names) view.set(entryOf(name))
  return view
}

function entryOf (name: string | number, addrs: readonly Uint8Array[] = ADDRS) {
  const peer = peerOf(name)
  return { id: peer.toString(), bytes: bytesOf(peer), addrs, groups: ['203.0.0.0/16'], addedAt: 1 }
}

t.test('the closest peers are those that a sort by distance puts first', async t => {
  const names = fc.uniqueArray(fc.nat({ max: 10_000 }), { maxLength: 120 })
  fc.assert(fc.property(names, fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 25 }), (peers, target, count) => {
    const targetId = kadIdOf(target)
    const sorted = peers.map(name => peerOf(name)).sort((a, b) => compareDistance(kadIdOf(bytesOf(a)), kadIdOf(bytesOf(b)), targetId))
    const closest = viewOf(peers, count).closest(targetId)
    t.strictSame(closest.map(({ id }) => id), sorted.slice(0, count).map(String))
  }), { numRuns: 100 })
})

t.test('a peer that asks is not told of itself, and its place goes to the next', async t => {
  const view = viewOf([0, 1, 2, 3], 2)
  const target = kadIdOf(bytesOf(peerOf(0)))
  const [first, second] = view.closest(target)
  t.equal(first?.id, peerOf(0).toString())
  const others = view.closest(target, first?.id)
  t.equal(others.length, 2)
  t.equal(others[0]?.id, second?.id)
  t.notOk(others.some(({ id }) => id === first?.id))
})

t.test('a peer without addresses is in the table but is not told', async t => {
  const view = viewOf([0])
  view.set(entryOf(1, []))
  t.equal(view.size, 2)
  t.strictSame(view.closest(kadIdOf(SELF)).map(({ id }) => id), [peerOf(0).toString()])
})

t.test('what is told of a peer follows its addresses', async t => {
  const view = viewOf([0])
  const moved = addrsOf('/ip4/198.51.100.1/tcp/2')
  view.set({ ...entryOf(0, moved), addedAt: 9 })
  const [peer] = view.list()
  t.match(peer, { addrs: only(...moved), addedAt: 1 })
  t.strictSame(decodePeer(peer?.encoded ?? new Uint8Array(0)).addrs.map(addr => Uint8Array.from(addr)), moved)
  t.equal(view.size, 1)
})

t.test('a peer that left is not told', async t => {
  const view = viewOf([0, 1])
  t.equal(view.delete(peerOf(0).toString())?.id, peerOf(0).toString())
  t.equal(view.delete(peerOf(0).toString()), undefined)
  t.equal(view.get(peerOf(0).toString()), undefined)
  t.strictSame(view.closest(kadIdOf(SELF)).map(({ id }) => id), [peerOf(1).toString()])
})

t.test('the list begins with the farthest bucket', async t => {
  const view = viewOf(Array(50).keys())
  const buckets = view.list().map(({ bucket }) => bucket)
  t.strictSame(buckets, buckets.toSorted((a, b) => a - b))
  t.strictSame(buckets, view.list().map(({ bytes }) => view.bucketOf(bytes)))
})
