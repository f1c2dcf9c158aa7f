import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import type { ReadinessReport } from '../../../src/core/readiness.ts'
import { EventHub } from '../../../src/http/admin/event-hub.ts'
import { ReadinessWatch } from '../../../src/http/admin/readiness-watch.ts'
import type { BusEvent } from '../../../src/http/admin/wire.ts'
import { adminSocket, fakePorts, fetchJson, NOW, open, startDaemon, tempDirectory } from './fake-daemon.ts'

const READY = { ready: true, reasons: [] }

function createHub (options: { readonly limit?: number, readonly limitBytes?: number } = {}) {
  const lagged = { count: 0 }
  return { lagged, events: new EventHub({ limit: 100, limitBytes: 1e6, ...options }, { onLagged: () => { lagged.count++ } }) }
}

const tell = (events: EventHub, atMs = NOW): void => events.publish({ topic: 'readiness', readiness: READY }, atMs)

/** The data of the next events. */
async function * read (response: IncomingMessage): AsyncGenerator<BusEvent> {
  let rest = ''
  for await (const chunk of response) {
    const frames = (rest + String(chunk)).split('\n\n')
    rest = frames.pop() ?? ''
    for (const frame of frames) {
      const data = /^data: (.*)$/m.exec(frame)?.[1]
      if (data !== undefined) yield JSON.parse(data) as BusEvent
    }
  }
}

t.test('a reader gets the events of its topics from now on, and earlier ones when it asks for them', async t => {
  const { events } = createHub()
  const socket = await startDaemon(t, { events })
  tell(events, NOW - 60_000)
  tell(events, NOW - 1000)
  const live = await open(socket, { path: '/v1/events?topic=readiness' })
  t.match(live.headers, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  const since = await open(socket, { path: `/v1/events?topic=audit,readiness&since=${new Date(NOW - 2000).toISOString()}` })
  const other = await open(socket, { path: '/v1/events?topic=audit' })
  tell(events)
  t.match((await read(live).next()).value, { id: 3, topic: 'readiness', at: new Date(NOW).toISOString(), readiness: READY })
  const reader = read(since)
  t.equal((await reader.next()).value.id, 2)
  t.equal((await reader.next()).value.id, 3)
  const none = read(other).next()
  t.equal(await Promise.race([none, fetchJson(socket, { path: '/v1/status' }).then(() => 'nothing')]), 'nothing')
})

t.test('there are no other topics', async t => {
  const socket = await startDaemon(t)
  for (const query of ['topic=lookups', 'topic=', 'topic=audit,', 'since=now', 'x=1']) t.match(await fetchJson(socket, { path: `/v1/events?${query}` }), { status: 400 }, query)
})

t.test('a reader that is too slow is let go and counted; others go on', async t => {
  const { events, lagged } = createHub({ limit: 50 })
  const socket = await startDaemon(t, { events })
  const slow = await open(socket, { path: '/v1/events' })
  slow.pause()
  slow.on('error', () => {})
  const quick = await open(socket, { path: '/v1/events' })
  const seen: number[] = []
  const reading = (async () => { for await (const { id } of read(quick)) seen.push(id) })().catch(() => {})
  const reason = 'x'.repeat(20_000)
  let told = 0
  while (lagged.count === 0 && told < 5000) {
    events.publish({ topic: 'readiness', readiness: { ready: false, reasons: [{ condition: 'store', reason }] } }, NOW)
    told++
    while (seen.length < told) await new Promise(resolve => setImmediate(resolve)) // the quick one keeps up
  }
  t.equal(lagged.count, 1)
  t.ok(told > 50, 'what fits the buffers and the ring is not lost')
  t.equal(seen.length, told)
  const closed = new Promise(resolve => slow.once('close', resolve))
  slow.resume()
  await closed
  t.notOk(slow.complete, 'it learns that its stream broke off')
  quick.destroy()
  await reading
})

t.test('only so many read at once', async t => {
  const socket = await startDaemon(t)
  const readers = await Promise.all(Array.from({ length: 16 }, async () => await open(socket, { path: '/v1/events' })))
  t.match(await fetchJson(socket, { path: '/v1/events' }), { status: 429, body: { error: { code: 'Backpressure' } } })
  readers[0]?.destroy()
  await t.resolves((async () => {
    for (;;) {
      const response = await open(socket, { path: '/v1/events' })
      if (response.statusCode === 200) return
      response.resume()
    }
  })())
})

t.test('the streams end when the server closes', async t => {
  const path = join(tempDirectory(t), 'admin.sock')
  const daemon = adminSocket(path, fakePorts(), { drainTimeoutMs: 60_000 })
  await daemon.start()
  const response = await open(path, { path: '/v1/events' })
  const ended = once(response.resume(), 'end')
  await daemon.stop()
  await ended
  t.ok(response.complete)
})

t.test('what is kept is bounded, and a place in it either leads on without a gap or is known to be lost', async t => {
  await t.resolves(fc.assert(fc.asyncProperty(fc.array(fc.nat(300), { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), async (sizes, limit) => {
    const { events } = createHub({ limit, limitBytes: 2000 })
    for (const size of sizes) events.publish({ topic: 'readiness', readiness: { ready: false, reasons: [{ condition: 'store', reason: 'x'.repeat(size) }] } }, NOW)
    for (let id = 0; id <= sizes.length; id++) {
      const next = events.after(id)
      if (next === undefined) continue
      if (next.length > limit) return false
      if (next.some((event, at) => event.id !== id + 1 + at) || (next.at(-1)?.id ?? id) !== sizes.length) return false
    }
    return events.after(sizes.length)?.length === 0 && events.after(events.idBefore(NOW)) !== undefined
  })))
})

t.test('readiness is told when it changes, and only then', async t => {
  const { events } = createHub()
  let readiness: ReadinessReport = READY
  const watch = new ReadinessWatch({ intervalMs: 1000 }, { readiness: () => readiness, events, now: () => NOW })
  watch.look()
  watch.look()
  readiness = { ready: false, reasons: [{ condition: 'audit', reason: 'damaged' }] }
  watch.look()
  watch.look()
  t.strictSame(events.after(0)?.map(({ json }) => JSON.parse(json).readiness.ready), [true, false])
})
