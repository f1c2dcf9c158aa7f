import t from 'tap'
import { SharedWalks, type Shareable } from '../../src/lookup/shared-walks.ts'
import { collect } from './support/collect.ts'

/** A walk that finds what the test gives it, when the test gives it. */
class FakeWalk implements Shareable<number> {
  readonly items: AsyncIterable<number>
  readonly #steps: Array<PromiseWithResolvers<number | undefined>> = []
  asked = 0
  isDisposed = false

  constructor () {
    this.items = { [Symbol.asyncIterator]: () => ({ next: async () => await this.#next() }) }
  }

  find (...numbers: readonly number[]): void { for (const number of numbers) this.#step(this.#given++).resolve(number) }
  end (): void { this.#step(this.#given).resolve(undefined) }
  fail (reason: unknown): void { this.#step(this.#given).reject(reason) }
  [Symbol.dispose] (): void { this.isDisposed = true }

  #given = 0
  #step (index: number): PromiseWithResolvers<number | undefined> {
    this.#steps[index] ??= Promise.withResolvers<number | undefined>()
    return this.#steps[index]
  }

  async #next (): Promise<IteratorResult<number>> {
    const value = await this.#step(this.asked++).promise
    return value === undefined ? { done: true, value } : { done: false, value }
  }
}

function setUp ({ callers = 10, items = 100 } = {}) {
  const shared = new SharedWalks<FakeWalk, number>({ callers, items })
  const begun: FakeWalk[] = []
  function join (question = 'q', signal = new AbortController().signal) {
    return shared.join(question, () => {
      const walk = new FakeWalk()
      begun.push(walk)
      return walk
    }, signal)
  }
  return { join, begun }
}

t.test('who asks the same shares a walk and gets every item from the first on', async t => {
  const { join, begun } = setUp()
  const early = join()
  const reader = early.items[Symbol.asyncIterator]()
  const waiting = reader.next()
  begun[0]?.find(1)
  t.match(await waiting, { value: 1 }, 'an item goes out when it is there')
  const late = join()
  t.strictSame([early.isShared, late.isShared], [false, true])
  const all = collect(late.items)
  begun[0]?.find(2, 3)
  begun[0]?.end()
  t.strictSame(await all, [1, 2, 3])
  t.strictSame([(await reader.next()).value, (await reader.next()).value, (await reader.next()).done], [2, 3, true])
  t.equal(begun.length, 1)
})

t.test('other questions, and questions after the end, walk anew', async t => {
  const { join, begun } = setUp()
  const first = join()
  join('other')
  t.equal(begun.length, 2)
  begun[0]?.end()
  await collect(first.items)
  t.ok(begun[0]?.isDisposed, 'the end frees the place, even while callers still read')
  t.equal(join().isShared, false)
})

t.test('a caller that reads nothing holds up nobody, and finds everything kept', async t => {
  const { join, begun } = setUp()
  const [slow, fast] = [join(), join()]
  begun[0]?.find(1, 2, 3)
  begun[0]?.end()
  t.strictSame(await collect(fast.items), [1, 2, 3])
  t.strictSame(await collect(slow.items), [1, 2, 3])
})

t.test('the walk is asked no further than its fastest caller reads', async t => {
  const { join, begun } = setUp()
  const [one, two] = [join(), join()].map(({ items }) => items[Symbol.asyncIterator]())
  begun[0]?.find(1, 2, 3)
  await Promise.all([one?.next(), two?.next()])
  t.equal(begun[0]?.asked, 1, 'both waited for the same item')
  await one?.next()
  t.equal(begun[0]?.asked, 2)
})

t.test('the first caller may leave without ending the walk; the last one ends it', async t => {
  const { join, begun } = setUp()
  const gone = new AbortController()
  const [first, second] = [join('q', gone.signal), join()]
  const [ended, rest] = [collect(first.items), collect(second.items)]
  begun[0]?.find(1)
  await new Promise(setImmediate)
  gone.abort()
  t.strictSame(await ended, [1], 'whoever leaves gets no more')
  t.equal(begun[0]?.isDisposed, false)
  begun[0]?.find(2)
  begun[0]?.end()
  t.strictSame(await rest, [1, 2])

  const [third, fourth] = [join(), join()]
  third[Symbol.dispose]()
  third[Symbol.dispose]()
  t.equal(begun[1]?.isDisposed, false, 'leaving twice counts once')
  fourth[Symbol.dispose]()
  t.ok(begun[1]?.isDisposed)
  t.equal(join().isShared, false)
})

t.test('a caller that aborts leaves even when nobody reads its items', async t => {
  const { join, begun } = setUp()
  const gone = new AbortController()
  join('q', gone.signal)
  gone.abort()
  t.ok(begun[0]?.isDisposed)
  const late = join('q', AbortSignal.abort())
  t.strictSame(await collect(late.items), [])
  t.ok(begun[1]?.isDisposed)
})

t.test('a failure reaches every caller behind what was found before it', async t => {
  const { join, begun } = setUp()
  const reads = [join(), join()].map(async ({ items }) => {
    const seen: unknown[] = []
    try {
      for await (const item of items) seen.push(item)
    } catch (err) {
      seen.push(err)
    }
    return seen
  })
  const reason = new Error('lost')
  begun[0]?.find(1)
  begun[0]?.fail(reason)
  t.strictSame(await Promise.all(reads), [[1, reason], [1, reason]])
  t.ok(begun[0]?.isDisposed)
})

t.test('a walk takes only so many callers; the next begins one that the others share', async t => {
  const { join, begun } = setUp({ callers: 2 })
  t.strictSame([join(), join(), join(), join()].map(({ isShared }) => isShared), [false, true, false, true])
  begun[0]?.end()
  const fifth = join()
  t.equal(fifth.isShared, false)
  t.equal(begun.length, 3)
})

t.test('a walk keeps only so many items: it ends when it finds more, and says so', async t => {
  const { join, begun } = setUp({ items: 2 })
  const [first, second] = [join(), join()]
  begun[0]?.find(1, 2, 3)
  t.strictSame(await collect(first.items), [1, 2])
  t.ok(first.isFull)
  t.ok(begun[0]?.isDisposed)
  t.strictSame(await collect(second.items), [1, 2])

  const exact = join()
  begun[1]?.find(1, 2)
  begun[1]?.end()
  t.strictSame(await collect(exact.items), [1, 2])
  t.notOk(exact.isFull, 'as many as it may keep are not too many')
})

t.test('a walk that may not begin leaves nothing behind', async t => {
  const { join } = setUp()
  const shared = new SharedWalks<FakeWalk, number>({ callers: 1, items: 1 })
  t.throws(() => shared.join('q', () => { throw new Error('too many walk') }, new AbortController().signal), { message: 'too many walk' })
  t.equal(shared.join('q', () => new FakeWalk(), new AbortController().signal).isShared, false)
  t.equal(join().isShared, false)
})
