import t from 'tap'
import type { PeerRecord, Walk } from '../../src/core/peer.ts'
import { Lookup } from '../../src/lookup/lookup.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { only } from '../patterns.ts'
import { collect } from './support/collect.ts'
import { key, peer } from './support/peers.ts'
import { FakePlane, toName, yields, yieldsThenFails, yieldsThenHangs, type Script } from './support/planes.ts'

const [a, b, c] = [peer('a'), peer('b'), peer('c')]
const bareA = peer('a', [])
const never = new AbortController().signal
const all = { limit: 100, signal: never }

function setUp (script: Script = {}, options: { deadlineMs?: number, concurrent?: number, planes?: number } = {}) {
  const { deadlineMs = 10_000, concurrent = 4, planes: count = 1 } = options
  const clock = { now: 1000 }
  const metrics = createMetrics()
  const logged: Array<Record<string, unknown>> = []
  const planes = Array.from({ length: count }, () => new FakePlane())
  for (const question of [key('k'), a.id]) planes[0]?.scripts.set(toName(question), script)
  const lookup = new Lookup({ deadlineMs, concurrent, cacheEntries: 100, cacheTtlMs: 300_000, cacheEmptyTtlMs: 15_000 }, {
    planes, metrics: metrics.lookup, log: createLogger({ level: 'trace' }, { write: line => { logged.push(JSON.parse(line)) } }), now: () => clock.now,
  })
  const outcomes = async () => (await metrics.lookup.lookups.get()).values.map(({ labels, value }) => [labels.kind, labels.outcome, value])
  const walking = async () => (await metrics.lookup.walking.get()).values[0]?.value
  return { lookup, plane: planes[0] as FakePlane, planes, clock, logged, metrics, outcomes, walking }
}

t.test('held records come at once, before the walk has found anything', async t => {
  const { lookup } = setUp({ held: [a], walk: walk => yieldsThenHangs(walk) })
  const { records } = lookup.providers(key('k'), all)
  t.strictSame(await records[Symbol.asyncIterator]().next(), { value: a, done: false })
})

t.test('what the walk finds follows as it is found, without repeating what is held', async t => {
  const { lookup, outcomes } = setUp({ held: [a], walk: () => yields(b, a, c) })
  const { records, summary } = lookup.providers(key('k'), all)
  t.strictSame(await collect(records), [a, b, c])
  t.match(summary, { truncated: undefined, cached: false, resolvedAt: 1000 })
  t.strictSame(await outcomes(), [['providers', 'complete', 1]])
})

t.test('all planes are asked, and what they find is merged', async t => {
  const { lookup, planes } = setUp({ walk: () => yields(a, b) }, { planes: 2 })
  planes[1]?.scripts.set(toName(key('k')), { held: [c], walk: () => yields(bareA, b) })
  const ids = (await collect(lookup.providers(key('k'), all).records)).map(({ id }) => id)
  t.equal(ids[0], c.id, 'held first')
  t.strictSame(new Set(ids), new Set([a.id, b.id, c.id]))
  t.equal(ids.length, 3)
})

t.test('the caller sees what the walk does while it runs', async t => {
  const { lookup, metrics } = setUp({
    async * walk (walk: Walk) {
      Object.assign(walk.trace, { messages: 3, answered: 2, failed: 1, hops: 2, path: ['x', 'y'] })
      yield a
      walk.trace.messages++
    },
  })
  const { records, summary } = lookup.providers(key('k'), all)
  const iterator = records[Symbol.asyncIterator]()
  await iterator.next()
  t.match(summary.trace, { messages: 3, hops: 2, path: only('x', 'y') })
  await iterator.next()
  t.equal(summary.trace.messages, 4)
  t.match((await metrics.lookup.messages.get()).values.find(({ metricName }) => metricName?.endsWith('_sum')), { value: 4, labels: { kind: 'providers' } })
})

t.test('at the deadline the answer ends and says so, and keeps what it has', async t => {
  const { lookup, outcomes, walking } = setUp({ held: [a], walk: walk => yieldsThenHangs(walk, b) }, { deadlineMs: 1 })
  const { records, summary } = lookup.providers(key('k'), all)
  t.strictSame(await collect(records), [a, b])
  t.equal(summary.truncated, 'deadline')
  t.strictSame(await outcomes(), [['providers', 'deadline', 1]])
  t.equal(await walking(), 0)
})

t.test('a plane that fails does not take the others with it; the answer says that it is not whole', async t => {
  const { lookup, planes, logged } = setUp({ walk: () => yieldsThenFails(a) }, { planes: 2 })
  planes[1]?.scripts.set(toName(key('k')), { walk: () => yields(b) })
  const { records, summary } = lookup.providers(key('k'), all)
  t.strictSame(new Set(await collect(records)), new Set([a, b]))
  t.equal(summary.truncated, 'error')
  t.match(logged, only({ msg: 'a plane failed during a lookup', kind: 'providers', err: { message: 'every connection was lost' } }))
})

t.test('a plane that throws when asked counts as failed, not as a fault of ours', async t => {
  const { lookup, plane } = setUp()
  plane.walkProviders = () => { throw new Error('not started') }
  plane.heldProviders = () => { throw new Error('store closed') }
  const { records, summary } = lookup.providers(key('k'), all)
  t.strictSame(await collect(records), [])
  t.equal(summary.truncated, 'error')
})

t.test('the limit marks the answer only when there is more', async t => {
  const { lookup } = setUp({ held: [a], walk: () => yields(b, a) })
  const exact = lookup.providers(key('k'), { ...all, limit: 2 })
  t.equal((await collect(exact.records)).length, 2)
  t.equal(exact.summary.truncated, undefined)
  const short = lookup.providers(key('k'), { ...all, limit: 1 })
  t.equal((await collect(short.records)).length, 1)
  t.equal(short.summary.truncated, 'limit')
})

t.test('a client that leaves stops the walk', async t => {
  const gone = new AbortController()
  let seen: AbortSignal | undefined
  const { lookup, walking } = setUp({ walk: walk => { seen = walk.signal; return yieldsThenHangs(walk, a) } })
  const { records, summary } = lookup.providers(key('k'), { limit: 100, signal: gone.signal })
  const iterator = records[Symbol.asyncIterator]()
  await iterator.next()
  gone.abort()
  t.match(await iterator.next(), { done: true })
  t.ok(seen?.aborted)
  t.equal(summary.truncated, 'deadline', 'the answer does not claim to be whole')
  t.equal(await walking(), 0)
})

t.test('a reader that has enough stops the walk', async t => {
  let seen: AbortSignal | undefined
  const { lookup, outcomes, walking } = setUp({ walk: walk => { seen = walk.signal; return yields(a, b) } })
  const iterator = lookup.providers(key('k'), all).records[Symbol.asyncIterator]()
  t.match(await iterator.next(), { value: a })
  await iterator.return?.()
  t.ok(seen?.aborted)
  t.equal(await walking(), 0)
  t.strictSame(await outcomes(), [['providers', 'stopped', 1]])
})

t.test('more walks than there are places for are refused before they begin', async t => {
  const { lookup, plane, outcomes } = setUp({ held: [a], walk: walk => yieldsThenHangs(walk) }, { concurrent: 1 })
  const first = lookup.providers(key('k'), all).records[Symbol.asyncIterator]()
  await first.next()
  await t.rejects(collect(lookup.closest(key('other'), all).records), { code: 'Backpressure', reason: 'http_lookup', retryAfterMs: Number })
  t.equal(plane.walks.length, 0, 'the second did not begin, the first has only told what is held')
  await first.return?.()
  t.strictSame(await collect(lookup.closest(key('other'), all).records), [], 'the place is free again')
  t.strictSame(await outcomes(), [['closest', 'refused', 1], ['providers', 'stopped', 1], ['closest', 'empty', 1]])
})

t.test('a complete walk is used again; what is held is read anew', async t => {
  const script = { held: [a] as PeerRecord[], walk: () => yields(b) }
  const { lookup, plane, clock } = setUp(script)
  await collect(lookup.providers(key('k'), all).records)
  clock.now += 1000
  const again = lookup.providers(key('k'), all)
  t.strictSame(await collect(again.records), [a, b])
  t.match(again.summary, { cached: true, resolvedAt: 1000, trace: { messages: 0 } })
  script.held = [c]
  const changed = lookup.providers(key('k'), all)
  t.strictSame(await collect(changed.records), [c, b], 'an expired record is gone, a new one is there')
  t.equal(changed.summary.resolvedAt, 2000)
  t.equal(plane.walks.length, 1)
  clock.now += 300_000
  await collect(lookup.providers(key('k'), all).records)
  t.equal(plane.walks.length, 2)
})

t.test('an answer cut by deadline, failure, limit or client is not used again', async t => {
  const { lookup, plane } = setUp({ walk: walk => yieldsThenHangs(walk, a, b) }, { deadlineMs: 1 })
  for (const [options, walk] of [
    [all, (walk: Walk) => yieldsThenHangs(walk, a)],
    [all, () => yieldsThenFails(a)],
    [{ ...all, limit: 1 }, () => yields(a, b)],
    [{ ...all, signal: AbortSignal.abort() }, () => yields(a)],
  ] as const) {
    plane.scripts.set(toName(key('k')), { walk })
    const { records, summary } = lookup.providers(key('k'), options)
    await collect(records)
    t.ok(summary.truncated)
    t.equal(summary.cached, false)
  }
})

t.test('a peer whose addresses we know needs no walk', async t => {
  const { lookup, plane } = setUp({ held: [a], walk: () => yields(bareA) })
  const { records, summary } = lookup.peer(a.id, all)
  t.strictSame(await collect(records), [a])
  t.match(summary, { truncated: undefined, cached: false })
  t.strictSame(plane.walks, [])
})

t.test('a peer is walked for when nobody here knows its addresses, and the walk ends with them', async t => {
  const { lookup, walking } = setUp({ held: [bareA], walk: walk => yieldsThenHangs(walk, b, bareA, a) })
  const { records, summary } = lookup.peer(a.id, all)
  t.strictSame(await collect(records), [a], 'other peers on the way are not the answer')
  t.equal(summary.truncated, undefined)
  t.equal(await walking(), 0)
  t.strictSame(await collect(lookup.peer(a.id, all).records), [a], 'and the answer is used again')
})

t.test('the closest peers come sorted from all planes, and their limit truncates nothing', async t => {
  const peers = Array.from({ length: 30 }, (_, index) => peer(index))
  const { lookup, planes } = setUp({ walk: () => yields(...peers.slice(0, 15)) }, { planes: 2 })
  planes[1]?.scripts.set(toName(key('k')), { walk: () => yields(...peers.slice(15)) })
  const { records, summary } = lookup.closest(key('k'), { ...all, limit: 20 })
  t.equal((await collect(records)).length, 20)
  t.equal(summary.truncated, undefined)
})

t.test('concurrent lookups of one key walk once, each with its own limit', async t => {
  const walked = Promise.withResolvers<void>()
  const { lookup, plane, walking, metrics } = setUp({
    async * walk () {
      yield a
      await walked.promise
      yield * [b, c]
    },
  }, { concurrent: 1 })
  const first = lookup.providers(key('k'), all)
  const reader = first.records[Symbol.asyncIterator]()
  t.match(await reader.next(), { value: a }, 'the first result does not wait')
  const second = lookup.providers(key('k'), { ...all, limit: 2 })
  const [rest, short] = [collect({ [Symbol.asyncIterator]: () => reader }), collect(second.records)]
  t.equal(await walking(), 1)
  walked.resolve()
  t.strictSame(await rest, [b, c])
  t.strictSame(await short, [a, b], 'who comes late gets what was found before, and no more than it asked for')
  t.strictSame([first.summary.truncated, second.summary.truncated], [undefined, 'limit'])
  t.equal(plane.walks.length, 1)
  t.equal(first.summary.trace, second.summary.trace)
  t.match((await metrics.lookup.cache.get()).values.map(({ labels, value }) => [labels.result, value]), only(only('miss', 1), only('shared', 1)))
  t.equal(await walking(), 0)
  t.strictSame(await collect(lookup.providers(key('k'), all).records), [a, b, c], 'and the whole walk is used again')
  t.equal(plane.walks.length, 1)
})

t.test('kinds do not share: a peer and the peers closest to it are two questions', async t => {
  const { lookup, plane } = setUp({ walk: walk => yieldsThenHangs(walk) })
  const answers = [lookup.peer(a.id, all), lookup.closest(key('k'), all), lookup.providers(key('k'), all)]
  const readers = answers.map(({ records }) => records[Symbol.asyncIterator]())
  for (const reader of readers) void reader.next()
  await new Promise(setImmediate)
  t.equal(plane.walks.length, 3)
  await Promise.all(readers.map(reader => reader.return?.()))
})

t.test('the one who began a shared walk may leave it to the others', async t => {
  const { lookup, outcomes } = setUp({
    async * walk () {
      yield a
      await new Promise(setImmediate)
      yield b
    },
  })
  const gone = new AbortController()
  const first = lookup.providers(key('k'), { limit: 100, signal: gone.signal })
  const reader = first.records[Symbol.asyncIterator]()
  await reader.next()
  const second = lookup.providers(key('k'), all)
  const rest = collect(second.records)
  gone.abort()
  t.match(await reader.next(), { done: true })
  t.strictSame(await rest, [a, b])
  t.strictSame([first.summary.truncated, second.summary.truncated], ['deadline', undefined])
  t.strictSame(await outcomes(), [['providers', 'deadline', 1], ['providers', 'complete', 1]])
})

t.test('what fails or ends a shared walk, every answer says', async t => {
  for (const [expected, walk] of [
    ['error', () => yieldsThenFails(a)],
    ['deadline', (walk: Walk) => yieldsThenHangs(walk, a)],
  ] as const) {
    const { lookup, plane, logged } = setUp({ walk }, { deadlineMs: 20 })
    const answers = [lookup.providers(key('k'), all), lookup.providers(key('k'), all)]
    t.strictSame(await Promise.all(answers.map(({ records }) => collect(records))), [[a], [a]])
    t.strictSame(answers.map(({ summary }) => summary.truncated), [expected, expected])
    t.equal(plane.walks.length, 1)
    t.equal(logged.length, expected === 'error' ? 1 : 0, 'and it is logged once')
  }
})

t.test('other bounds hold for the walks that begin after them', async t => {
  const { lookup } = setUp({ walk: walk => yieldsThenHangs(walk, a) }, { deadlineMs: 10_000, concurrent: 4 })
  lookup.apply({ deadlineMs: 10, concurrent: 1 })
  const { records, summary } = lookup.providers(key('k'), all)
  t.strictSame(await collect(records), [a])
  t.equal(summary.truncated, 'deadline')
  lookup.apply({ deadlineMs: 10, concurrent: 0 })
  await t.rejects(collect(lookup.providers(key('other'), all).records), { code: 'Backpressure' })
})

t.test('who is not to be told is left out: held, found, and remembered of an earlier walk', async t => {
  const hidden = new Set<string>()
  const plane = new FakePlane()
  plane.scripts.set(toName(key('k')), { held: [a], walk: () => yields(b, c) })
  plane.scripts.set(toName(a.id), { held: [a] })
  const lookup = new Lookup({ deadlineMs: 10_000, concurrent: 4, cacheEntries: 100, cacheTtlMs: 300_000, cacheEmptyTtlMs: 15_000 }, {
    planes: [plane], admits: id => !hidden.has(id), metrics: createMetrics().lookup, log: createLogger({ level: 'silent' }), now: () => 1000,
  })
  const find = async (): Promise<PeerRecord[]> => await collect(lookup.providers(key('k'), all).records)
  t.strictSame(await find(), [a, b, c])
  hidden.add(b.id)
  t.strictSame(await find(), [a, c], 'from the cache')
  hidden.add(a.id)
  t.strictSame(await find(), [c])
  t.strictSame(await collect(lookup.peer(a.id, all).records), [])
})
