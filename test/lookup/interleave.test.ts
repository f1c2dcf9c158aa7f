import t from 'tap'
import { interleave } from '../../src/lookup/interleave.ts'
import { only } from '../patterns.ts'
import { collect } from './support/collect.ts'

const never = new AbortController().signal
const noFailure = (failure: unknown): void => { throw failure }

t.test('items come as they arrive, not source by source', async t => {
  const slow = gated()
  const order: string[] = []
  const items = interleave([slow.source(['slow']), from(['a', 'b'])], never, noFailure)
  for await (const item of items) {
    order.push(item)
    if (item === 'b') slow.open()
  }
  t.strictSame(order, ['a', 'b', 'slow'])
})

t.test('a source that fails is reported and the others go on', async t => {
  const failures: unknown[] = []
  async function * failing (): AsyncGenerator<string> { throw new Error('lost') }
  t.strictSame(await collect(interleave([failing(), from(['a'])], never, failure => failures.push(failure))), ['a'])
  t.match(failures, only({ message: 'lost' }))
})

t.test('an abort ends the items even when a source does not heed it', async t => {
  const abort = new AbortController()
  const deaf = gated()
  const items = interleave([deaf.source(['never']), from(['a'])], abort.signal, noFailure)
  t.match(await items.next(), { value: 'a' })
  abort.abort()
  t.match(await items.next(), { done: true })
  deaf.open()
})

t.test('an abort before the start asks nothing', async t => {
  let asked = 0
  async function * counting (): AsyncGenerator<string> { asked++ }
  t.strictSame(await collect(interleave([counting()], AbortSignal.abort(), noFailure)), [])
  t.equal(asked, 0)
})

t.test('a reader that stops pulling stops the sources', async t => {
  let made = 0
  let ended = false
  async function * endless (): AsyncGenerator<number> {
    try {
      for (;;) yield ++made
    } finally {
      ended = true
    }
  }
  const items = interleave([endless()], never, noFailure)
  await items.next()
  await items.next()
  t.equal(made, 2, 'nothing is made that nobody asked for')
  await items.return(undefined)
  t.ok(ended, 'the source is told that it is over')
})

async function * from<T> (items: readonly T[]): AsyncGenerator<T> {
  yield * items
}

/** A source that waits before its first item until it is opened. */
function gated () {
  const { promise, resolve } = Promise.withResolvers<void>()
  return {
    open: resolve,
    async * source (items: readonly string[]): AsyncGenerator<string> {
      await promise
      yield * items
    },
  }
}
