import t from 'tap'
import { DhtError } from '../../src/core/errors.ts'
import type { Walk } from '../../src/core/peer.ts'
import type { ValuePlane } from '../../src/lookup/ports.ts'
import { ValueLookup } from '../../src/lookup/value-lookup.ts'
import { createMetrics } from '../../src/observability/metrics.ts'

const key = Buffer.from('/ipns/x')
const value = Buffer.from('record')
const never = { signal: new AbortController().signal }
const hangs = () => new Promise<never>(() => {})

function setUp (plane: Partial<ValuePlane>, { deadlineMs = 10_000, concurrent = 4 } = {}) {
  const metrics = createMetrics().lookup
  const values = new ValueLookup({ deadlineMs, concurrent }, { plane: plane as ValuePlane, metrics })
  const outcomes = async () => (await metrics.lookups.get()).values.map(({ labels }) => [labels.kind, labels.outcome])
  return { values, outcomes }
}

t.test('a value is found, or nobody has one', async t => {
  const { values, outcomes } = setUp({ findValue: async asked => asked === key ? value : undefined })
  t.equal(await values.find(key, never), value)
  t.equal(await values.find(value, never), undefined)
  t.strictSame(await outcomes(), [['value', 'complete'], ['value', 'empty']])
})

t.test('a value is published, or refused by what checks it', async t => {
  const { values, outcomes } = setUp({
    async publishValue (_key, published) {
      if (published !== value) throw new DhtError('Conflict', 'older')
      return { reached: 7 }
    },
  })
  t.strictSame(await values.publish(key, value, never), { reached: 7 })
  await t.rejects(values.publish(key, key, never), { code: 'Conflict' })
  t.strictSame(await outcomes(), [['publish', 'complete'], ['publish', 'error']])
})

t.test('a search that does not end in time is told from one that found nothing', async t => {
  let seen: AbortSignal | undefined
  const { values, outcomes } = setUp({ findValue: (_key, walk: Walk) => { seen = walk.signal; return hangs() } }, { deadlineMs: 1 })
  await t.rejects(values.find(key, never), { code: 'Timeout' })
  t.ok(seen?.aborted, 'the plane is told to stop')
  t.strictSame(await outcomes(), [['value', 'deadline']])
})

t.test('a client that leaves ends the search', async t => {
  const { values, outcomes } = setUp({ findValue: hangs })
  const gone = new AbortController()
  const search = values.find(key, { signal: gone.signal })
  gone.abort()
  await t.rejects(search, { code: 'Timeout' })
  await t.rejects(values.find(key, { signal: AbortSignal.abort() }), { code: 'Timeout' })
  t.strictSame(await outcomes(), [['value', 'stopped']])
})

t.test('more searches than there are places for are refused', async t => {
  const { values, outcomes } = setUp({ findValue: hangs, publishValue: async () => ({ reached: 0 }) }, { concurrent: 1 })
  const gone = new AbortController()
  const first = values.find(key, { signal: gone.signal })
  await t.rejects(values.publish(key, value, never), { code: 'Backpressure' })
  gone.abort()
  await t.rejects(first, { cause: { message: 'the caller has left' } })
  t.strictSame(await values.publish(key, value, never), { reached: 0 })
  t.strictSame(await outcomes(), [['publish', 'refused'], ['value', 'stopped'], ['publish', 'complete']])
})

t.test('who looks for the same value at the same time shares one search', async t => {
  const found = Promise.withResolvers<Uint8Array>()
  let searches = 0
  const { values, outcomes } = setUp({ findValue: async () => { searches++; return await found.promise } }, { concurrent: 1 })
  const gone = new AbortController()
  const first = values.find(key, { signal: gone.signal })
  const others = [values.find(key, never), values.find(Buffer.from(key), never)]
  gone.abort()
  await t.rejects(first, { code: 'Timeout' }, 'who began it may leave')
  found.resolve(value)
  t.strictSame(await Promise.all(others), [value, value])
  t.equal(searches, 1)
  t.strictSame(await outcomes(), [['value', 'stopped'], ['value', 'complete']])
  await values.find(key, never)
  t.equal(searches, 2, 'the next one searches anew')
})

t.test('a search that fails, fails for all', async t => {
  const { values } = setUp({ findValue: async () => { throw new DhtError('NotReady', 'nobody to ask') } }, { concurrent: 1 })
  const finds = [values.find(key, never), values.find(key, never)]
  for (const find of finds) await t.rejects(find, { code: 'NotReady' })
})

t.test('a shared search ends when its last caller leaves', async t => {
  let seen: AbortSignal | undefined
  const { values } = setUp({ findValue: (_key, walk: Walk) => { seen = walk.signal; return hangs() } })
  const callers = [new AbortController(), new AbortController()]
  const finds = callers.map(({ signal }) => values.find(key, { signal }))
  for (const [index, caller] of callers.entries()) {
    t.notOk(seen?.aborted)
    caller.abort()
    await t.rejects(async () => await finds[index], { code: 'Timeout' })
  }
  t.ok(seen?.aborted)
})
