import { mock } from 'node:test'
import t from 'tap'
import { emptyTrace } from '../../../src/core/peer.ts'
import { streamEvents } from '../../../src/http/admin/lookup-events.ts'
import type { LookupEvent } from '../../../src/http/admin/wire.ts'
import { only } from '../../patterns.ts'
import { answerOf, NOW, RECORD } from './fake-daemon.ts'

const options = { progressIntervalMs: 250, onFailure: () => {} }

t.test('records come in order and done is last, with what the walk did', async t => {
  const other = { ...RECORD, id: 'other' }
  const answer = answerOf([RECORD, other], { cached: true, truncated: 'limit' })
  const events = await collect(streamEvents(answer, options))
  t.same(events, [
    { event: 'record', record: RECORD },
    { event: 'record', record: other },
    { event: 'done', truncated: 'limit', cached: true, trace: answer.summary.trace },
  ])
})

t.test('a complete answer does not speak of truncation', async t => {
  const [done] = await collect(streamEvents(answerOf([]), options))
  t.match(done, { event: 'done' })
  t.notOk('truncated' in (done ?? {}))
})

t.test('progress is told when the walk has moved, and not again when it has not', async t => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const passInterval = async () => {
    mock.timers.tick(options.progressIntervalMs)
    await new Promise(resolve => setImmediate(resolve))
  }
  const walk = Promise.withResolvers<void>()
  const summary = { resolvedAt: NOW, cached: false, truncated: undefined, trace: emptyTrace() }
  const trace = emptyTrace()
  async function * records () {
    yield RECORD
    summary.trace = trace // as a lookup does once its walk begins
    await walk.promise
  }
  const events = streamEvents({ records: records(), summary }, options)
  t.match((await events.next()).value, { event: 'record' })

  const first = events.next()
  await passInterval()
  trace.messages = 3
  await passInterval()
  t.same((await first).value, { event: 'progress', trace: { ...emptyTrace(), messages: 3 } })

  const second = events.next()
  for (let interval = 0; interval < 5; interval++) await passInterval()
  trace.messages = 4
  await passInterval()
  t.same((await second).value, { event: 'progress', trace: { ...emptyTrace(), messages: 4 } })

  walk.resolve()
  t.match((await collect(events)).at(-1), { event: 'done', trace: { messages: 4 } })
})

t.test('a lookup that fails before it told anything throws', async t => {
  const failing = (async function * () { throw new Error('no walk is free') })()
  await t.rejects(streamEvents(answerOf(failing), options).next(), { message: 'no walk is free' })
})

t.test('a lookup that fails later ends as truncated by an error, and the failure is told to whoever logs', async t => {
  const failures: unknown[] = []
  async function * breaking () {
    yield RECORD
    throw new Error('broken')
  }
  const events = await collect(streamEvents(answerOf(breaking()), { ...options, onFailure: err => failures.push(err) }))
  t.match(events, only({ event: 'record' }, { event: 'done', truncated: 'error' }))
  t.match(failures, only({ message: 'broken' }))
})

t.test('ending the sequence early ends the records', async t => {
  let hasEnded = false
  async function * endless () {
    try {
      for (;;) yield RECORD
    } finally {
      hasEnded = true
    }
  }
  for await (const event of streamEvents(answerOf(endless()), options)) {
    if (event.event === 'record') break
  }
  t.ok(hasEnded)
})

async function collect (events: AsyncIterable<LookupEvent>): Promise<LookupEvent[]> {
  const collected: LookupEvent[] = []
  for await (const event of events) collected.push(event)
  return collected
}
