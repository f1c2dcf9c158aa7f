import fc from 'fast-check'
import t from 'tap'
import { Enr } from '../../../src/discv5/enr/record.ts'
import { AdCache } from '../../../src/discv5/topics/ad-cache.ts'

const E = 1000
const node = (n: number) => new Enr(Buffer.from([n]), { seq: 1n, pairs: new Map(), publicKey: Buffer.alloc(33), id: Buffer.alloc(32, n) })
const create = (capacity = 4) => new AdCache({ capacity, lifetimeMs: E })

t.test('one advertiser has one ad of a service; a second takes the place of the first and lives from then', async t => {
  const ads = create()
  ads.admit('a', node(1), '1.1.1.1', 0)
  t.equal(ads.admit('a', node(1), '1.1.1.2', 500)?.expiresAt, 1500)
  ads.admit('b', node(1), '1.1.1.1', 500)
  t.strictSame([ads.size, ads.count('a'), ads.services], [2, 1, 2])
  t.equal(ads.expire(1000).length, 0)
  t.strictSame(ads.expire(1500).map(({ service }) => service), ['a', 'b'])
  t.strictSame([ads.size, ads.services], [0, 0])
})

t.test('a full cache takes nothing new and lets what it holds be renewed', async t => {
  const ads = create(2)
  ads.admit('a', node(1), '1.1.1.1', 0)
  ads.admit('a', node(2), '1.1.1.2', 0)
  t.equal(ads.admit('a', node(3), '1.1.1.3', 1), undefined)
  t.equal(ads.admit('a', node(1), '1.1.1.1', 1)?.expiresAt, 1001)
  t.equal(ads.size, 2)
})

t.test('a sample has no ad twice, all of them when they fit, and leaves none out for ever', async t => {
  const ads = create(40)
  for (let i = 0; i < 20; i++) ads.admit('a', node(i), '1.1.1.1', 0)
  t.equal(ads.sample('a', 20, Math.random).length, 20)
  t.equal(ads.sample('b', 20, Math.random).length, 0)
  const seen = new Map<string, number>()
  for (let i = 0; i < 600; i++) {
    const sample = ads.sample('a', 5, Math.random)
    t.equal(new Set(sample).size, 5)
    for (const { record } of sample) seen.set(record.nodeId, (seen.get(record.nodeId) ?? 0) + 1)
  }
  // 150 each on average, deviation below 11: six of those are never seen.
  t.equal(seen.size, 20)
  t.ok([...seen.values()].every(count => count > 84 && count < 216), `${[...seen.values()]}`)
})

t.test('whatever is admitted, renewed, removed and expires: the bound holds, and the services add up to the whole', async () => {
  const step = fc.record({ service: fc.constantFrom('a', 'b', 'c'), n: fc.nat(9), ms: fc.nat(400), gone: fc.boolean() })
  fc.assert(fc.property(fc.array(step, { maxLength: 80 }), steps => {
    const ads = create(6)
    let now = 0
    return steps.every(({ service, n, ms, gone }) => {
      now += ms
      ads.expire(now)
      if (gone) ads.removeAll(({ record }) => record.nodeId === node(n).nodeId)
      else ads.admit(service, node(n), '1.1.1.1', now)
      const held = ['a', 'b', 'c'].flatMap(name => ads.sample(name, 10, () => 0.5))
      return ads.size <= 6 && held.length === ads.size && new Set(held).size === held.length &&
        held.every(ad => ad.expiresAt > now && ads.get(ad.service, ad.record.nodeId) === ad)
    })
  }))
})
