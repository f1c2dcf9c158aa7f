import fc from 'fast-check'
import t from 'tap'
import { RateLimit } from '../../src/policy/rate-limit.ts'

/** Takes until refused. */
function drain (limit: RateLimit, party: string, now: number): number {
  let taken = 0
  while (limit.take(party, now) === 0) taken++
  return taken
}

t.test('a quiet party may use four seconds of its rate at once', async t => {
  const limit = new RateLimit({ perSecond: 5 })
  t.equal(limit.available('a', 0), 20)
  t.equal(drain(limit, 'a', 0), 20)
  t.equal(limit.available('a', 0), 0)
})

t.test('tokens come back at the rate, and never beyond the burst', async t => {
  const limit = new RateLimit({ perSecond: 5 })
  drain(limit, 'a', 0)
  t.equal(drain(limit, 'a', 1000), 5)
  t.equal(drain(limit, 'a', 3_600_000), 20)
})

t.test('a refusal says how long to wait, and then there is a token', async t => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 5000 }), fc.array(fc.nat({ max: 2000 }), { maxLength: 20 }), (perSecond, pauses) => {
    const limit = new RateLimit({ perSecond })
    let now = 0
    for (const pause of pauses) {
      now += pause
      drain(limit, 'a', now)
      const waitMs = limit.take('a', now)
      t.ok(waitMs > 0 && waitMs <= 1000)
      // A millisecond of grace for what binary fractions lose.
      t.equal(limit.take('a', now + waitMs) === 0 || limit.take('a', now + waitMs + 1) === 0, true)
      now += waitMs + 1
    }
  }), { numRuns: 50 })
})

t.test('a clock that goes back earns nothing and starves nobody', async t => {
  const limit = new RateLimit({ perSecond: 1 })
  drain(limit, 'a', 10_000)
  t.equal(drain(limit, 'a', 0), 0)
  t.equal(drain(limit, 'a', 2000), 2)
})

t.test('parties do not share', async t => {
  const limit = new RateLimit({ perSecond: 1 })
  drain(limit, 'a', 0)
  t.equal(drain(limit, 'b', 0), 4)
})

t.test('memory is bounded: the party that was quiet longest is forgotten first', async t => {
  const limit = new RateLimit({ perSecond: 1, parties: 2 })
  drain(limit, 'a', 0)
  drain(limit, 'b', 0)
  limit.take('a', 0)
  limit.take('c', 0)
  t.equal(limit.available('a', 0), 0, 'used lately')
  t.equal(limit.available('b', 0), 4, 'forgotten')
})

t.test('asking what is available takes nothing and remembers nobody', async t => {
  const limit = new RateLimit({ perSecond: 1, parties: 1 })
  drain(limit, 'a', 0)
  t.equal(limit.available('b', 0), 4)
  t.equal(limit.available('a', 1999), 1)
  t.equal(limit.available('a', 1999), 1)
  t.equal(drain(limit, 'a', 0), 0)
})
