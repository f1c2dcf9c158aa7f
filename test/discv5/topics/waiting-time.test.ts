import fc from 'fast-check'
import t from 'tap'
import { TOPIC_PARAMETERS } from '../../../src/discv5/topics/parameters.ts'
import { bounded, boundLifeMs, boundNow, waitingTime, type Bound, type Crowd } from '../../../src/discv5/topics/waiting-time.ts'

const E = TOPIC_PARAMETERS.lifetimeMs
const total = (crowd: Crowd): number => {
  const { serviceMs, ipMs, safetyMs } = waitingTime(crowd, TOPIC_PARAMETERS)
  return serviceMs + ipMs + safetyMs
}

t.test('the wait is the formula of the specification', async t => {
  t.equal(total({ held: 0, ofService: 0, ipScore: 0 }), E * 1e-7)
  t.equal(total({ held: 0, ofService: 0, ipScore: 1 }), E + E * 1e-7)
  const half = total({ held: 500, ofService: 50, ipScore: 0.25 })
  t.ok(Math.abs(half - E * 1024 * (0.1 + 0.25 + 1e-7)) < 1e-3, `${half}`)
})

t.test('a full cache lets nobody in, however dissimilar', async t => {
  t.equal(total({ held: 1000, ofService: 0, ipScore: 0 }), Infinity)
  t.equal(total({ held: 1001, ofService: 1, ipScore: 0 }), Infinity)
})

t.test('the wait is never below the safety constant, and grows with occupancy, the share of the service and the score', async () => {
  const crowd = fc.record({ held: fc.integer({ min: 1, max: 999 }), ofService: fc.nat(999), ipScore: fc.double({ min: 0, max: 1, noNaN: true }) }).filter(({ held, ofService }) => ofService <= held)
  fc.assert(fc.property(crowd, fc.integer({ min: 1, max: 999 }), fc.double({ min: 0, max: 1, noNaN: true }), (base, more, score) => {
    const wait = total(base)
    const fuller = Math.max(base.held, more)
    const sameShare = { ...base, held: fuller, ofService: base.ofService * fuller / base.held }
    return wait >= E * 1e-7 && total(sameShare) >= wait * (1 - 1e-9) &&
      total({ ...base, ofService: Math.max(base.ofService, Math.min(base.held, more)) }) >= wait &&
      total({ ...base, ipScore: Math.max(base.ipScore, score) }) >= wait
  }))
})

t.test('a bound falls by a third of the time that passes, and is over after three lifetimes', async t => {
  const bound: Bound = { waitMs: E, at: 1000 }
  t.equal(boundNow(bound, 1000), E)
  t.equal(boundNow(bound, 1000 + 3000), E - 1000)
  t.equal(boundNow(bound, 0), E, 'a clock that went back takes nothing off')
  t.equal(boundNow(bound, 1000 + boundLifeMs(E)), 0)
  t.equal(boundNow(undefined, 0), 0)
})

t.test('three parts that change as they like improve together by no more than the time that passed', async () => {
  const part = fc.double({ min: 0, max: 3 * E, noNaN: true })
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(2 * E), part, part, part), { minLength: 2, maxLength: 20 }), steps => {
    const bounds: Array<Bound | undefined> = [undefined, undefined, undefined]
    let now = 0
    let before: number | undefined
    return steps.every(([passedMs, ...raw]) => {
      now += passedMs
      const waits = raw.map((waitMs, i) => {
        const { waitMs: raised, next } = bounded(waitMs, boundNow(bounds[i], now), now, E)
        bounds[i] = next
        return raised
      })
      const told = Math.min(E, waits.reduce((sum, wait) => sum + wait, 0))
      const holds = before === undefined || told >= before - passedMs - 1e-6
      before = told
      return holds && waits.every((wait, i) => wait >= (raw[i] as number))
    })
  }))
})
