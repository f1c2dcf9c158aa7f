import t from 'tap'
import { AnswerCache } from '../../src/lookup/answer-cache.ts'
import { only } from '../patterns.ts'
import { peer } from './support/peers.ts'

const a = peer('a')
const b = peer('b')
const create = (entries = 10) => new AnswerCache({ entries, ttlMs: 1000, emptyTtlMs: 100 })

t.test('an answer is used again until its time is over, an empty one for a shorter time', async t => {
  const cache = create()
  cache.put('found', [a], [], 0)
  cache.put('empty', [], [], 0)
  t.match(cache.get('found', [], 999), { found: only(a), resolvedAt: 0 })
  t.equal(cache.get('found', [], 1000), undefined)
  t.match(cache.get('empty', [], 99), { found: only() })
  t.equal(cache.get('empty', [], 100), undefined)
  t.equal(cache.get('never asked', [], 0), undefined)
})

t.test('an answer from the future, after the clock went back, is not used', async t => {
  const cache = create()
  cache.put('q', [a], [], 5000)
  t.equal(cache.get('q', [], 4999), undefined)
})

t.test('the time of an answer moves when the held records change, and only then', async t => {
  const cache = create()
  cache.put('q', [a], [b], 0)
  t.match(cache.get('q', [b], 10), { resolvedAt: 0 })
  t.match(cache.get('q', [], 20), { resolvedAt: 20 }, 'a held record expired')
  t.match(cache.get('q', [], 30), { resolvedAt: 20 })
  t.match(cache.get('q', [b, a], 40), { resolvedAt: 40 })
  t.match(cache.get('q', [a, b], 50), { resolvedAt: 40 }, 'their order says nothing')
})

t.test('the least recently used answer goes first', async t => {
  const cache = create(2)
  cache.put('old', [a], [], 0)
  cache.put('used', [a], [], 0)
  cache.get('old', [], 1)
  cache.put('new', [a], [], 2)
  t.equal(cache.get('used', [], 3), undefined)
  t.ok(cache.get('old', [], 3))
  t.ok(cache.get('new', [], 3))
})

t.test('large answers count for many: memory is bounded by records too', async t => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => peer(index))
  const cache = create(2) // room for 40 records
  cache.put('too large', many(41), [], 0)
  t.equal(cache.get('too large', [], 1), undefined)
  cache.put('first', many(30), [], 0)
  cache.put('second', many(30), [], 0)
  t.equal(cache.get('first', [], 1), undefined, 'both together are more than 40')
  t.ok(cache.get('second', [], 1))
  cache.put('second', many(1), [], 2)
  t.equal(cache.get('second', [], 3)?.found.length, 1, 'a newer answer takes the place of an older one')
})

t.test('with no entries nothing is kept', async t => {
  const cache = create(0)
  cache.put('q', [], [], 0)
  t.equal(cache.get('q', [], 1), undefined)
})
