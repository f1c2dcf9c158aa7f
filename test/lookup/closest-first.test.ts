import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { base58btc } from 'multiformats/bases/base58'
import t from 'tap'
import { closestFirst } from '../../src/lookup/closest-first.ts'
import { collect } from './support/collect.ts'
import { key, peer } from './support/peers.ts'
import { yields } from './support/planes.ts'

const kadId = (bytes: Uint8Array): bigint => BigInt(`0x${createHash('sha256').update(bytes).digest('hex')}`)

t.test('peers come nearest first, whatever the order in which they were found', async t => {
  await fc.assert(fc.asyncProperty(fc.uniqueArray(fc.nat(), { maxLength: 40 }), fc.nat({ max: 25 }), fc.nat(), async (names, limit, target) => {
    const records = await collect(closestFirst(key(target), limit)(yields(...names.map(name => peer(name)))))
    const distances = names.map(name => kadId(base58btc.baseDecode(peer(name).id)) ^ kadId(key(target))).sort((a, b) => a < b ? -1 : 1)
    t.strictSame(records.map(({ id }) => kadId(base58btc.baseDecode(id)) ^ kadId(key(target))), distances.slice(0, limit))
  }), { numRuns: 50 })
})

t.test('a peer that two planes found comes once, with its addresses', async t => {
  const bare = peer('a', [])
  const known = peer('a')
  t.strictSame(await collect(closestFirst(key('k'), 20)(yields(bare, known, bare))), [known])
})
