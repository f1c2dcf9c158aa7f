import t from 'tap'
import type { PeerRecord } from '../../src/core/peer.ts'
import { firstWithAddresses } from '../../src/lookup/first-with-addresses.ts'
import { onePerPeer } from '../../src/lookup/one-per-peer.ts'
import { collect } from './support/collect.ts'
import { peer } from './support/peers.ts'
import { yields } from './support/planes.ts'

const a = peer('a')
const b = peer('b')
const bareA = peer('a', [])

async function merge (limit: number, ...seen: readonly PeerRecord[]) {
  let hasMore = false
  const records: PeerRecord[] = []
  for await (const record of onePerPeer(limit, () => { hasMore = true })(yields(...seen))) records.push(record)
  return { records, hasMore }
}

t.test('a peer is told once', async t => {
  t.strictSame((await merge(10, a, b, a)).records, [a, b])
})

t.test('a sighting without addresses never hides one with addresses', async t => {
  t.strictSame((await merge(10, bareA, b, a)).records, [b, a])
  t.strictSame((await merge(10, a, bareA)).records, [a])
})

t.test('a peer whose addresses nobody knows is still told, at the end', async t => {
  t.strictSame((await merge(10, bareA, bareA, b)).records, [b, bareA])
})

t.test('more is claimed only when there is a peer beyond the limit', async t => {
  t.strictSame(await merge(2, a, b, a, bareA), { records: [a, b], hasMore: false })
  t.strictSame(await merge(1, a, b), { records: [a], hasMore: true })
  t.strictSame(await merge(1, bareA, a), { records: [a], hasMore: false }, 'the same peer is not more')
  t.strictSame(await merge(1, bareA, b), { records: [bareA], hasMore: true })
})

t.test('a search for one peer ends with its first addresses, and settles for none', async t => {
  const search = (...seen: readonly PeerRecord[]) => collect(firstWithAddresses(yields(...seen)))
  t.strictSame(await search(bareA, a, peer('a', ['/ip4/192.0.2.9/tcp/1'])), [a])
  t.strictSame(await search(bareA, bareA), [bareA])
  t.strictSame(await search(), [])
})
