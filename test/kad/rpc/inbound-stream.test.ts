import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { DhtError } from '../../../src/core/errors.ts'
import { InboundStream } from '../../../src/kad/rpc/inbound-stream.ts'
import { only } from '../../patterns.ts'
import { SECOND_MS, senderOf, TestClock } from '../fixtures.ts'
import { FakeStream } from './fake-stream.ts'

const READ_TIMEOUT_MS = 10 * SECOND_MS
const IDLE_TIMEOUT_MS = 60 * SECOND_MS

type Answer = (text: string) => string | undefined | Promise<string | undefined>

const framed = (text: string): Uint8Array => Buffer.from(`${String.fromCharCode(text.length)}${text}`)
const frameAll = (...texts: readonly string[]): Uint8Array => Buffer.concat(texts.map(framed))

/** A stream whose frames are short texts; each is answered by its echo unless told otherwise. */
function setUp ({ answer = text => text, stream = new FakeStream() }: { readonly answer?: Answer, readonly stream?: FakeStream } = {}) {
  const clock = new TestClock()
  const ends: unknown[] = []
  const asked: string[] = []
  const inbound = new InboundStream({ readTimeoutMs: READ_TIMEOUT_MS, idleTimeoutMs: IDLE_TIMEOUT_MS }, {
    stream,
    sender: senderOf('a'),
    now: clock.now,
    answer: frame => {
      const text = Buffer.from(frame).toString()
      asked.push(text)
      const answered = answer(text)
      if (answered instanceof Promise) return answered.then(reply => reply === undefined ? undefined : framed(reply))
      return answered === undefined ? undefined : framed(answered)
    },
    onEnd: err => { ends.push(err) },
  })
  const replies = (): string[] => stream.sent.map(frame => Buffer.from(frame).toString())
  return { stream, inbound, clock, asked, replies, ends }
}

t.test('replies come in the order of the requests, however long each takes', async t => {
  const first = Promise.withResolvers<string>()
  const { stream, replies } = setUp({ answer: text => text === 'one' ? first.promise : text })
  stream.receive(framed('one'), frameAll('two', 'three'))
  await nextTurn()
  t.strictSame(replies(), [])
  first.resolve('one')
  await nextTurn()
  t.strictSame(replies(), ['one', 'two', 'three'])
})

t.test('a request without reply leaves the stream open for the next one', async t => {
  const { stream, replies, ends } = setUp({ answer: text => text === 'quiet' ? undefined : text })
  stream.receive(frameAll('quiet', 'loud'))
  t.strictSame(replies(), ['loud'])
  t.strictSame(ends, [])
})

t.test('nothing more is read while one answer takes its time', async t => {
  const first = Promise.withResolvers<string>()
  const { stream, asked, replies } = setUp({ answer: text => text === 'one' ? first.promise : text })
  stream.receive(framed('one'))
  t.equal(stream.readStatus, 'readable')
  stream.receive(framed('two'), framed('three'), framed('four'))
  t.equal(stream.readStatus, 'paused')
  t.strictSame(asked, ['one'])
  first.resolve('one')
  await nextTurn()
  t.strictSame(replies(), ['one', 'two', 'three', 'four'])
  t.equal(stream.readStatus, 'readable')
})

t.test('a peer that does not read its replies is not read from', async t => {
  const { stream, asked, replies } = setUp()
  stream.isFull = true
  stream.receive(frameAll('one', 'two', 'three'), framed('four'))
  t.strictSame(asked, ['one'])
  t.equal(stream.readStatus, 'paused')
  stream.drain()
  await nextTurn()
  t.strictSame(replies(), ['one', 'two', 'three', 'four'])
  t.equal(stream.readStatus, 'readable')
})

t.test('a peer that does not read its replies in time is reset as slow', async t => {
  const { stream, inbound, clock, asked, ends } = setUp()
  clock.advance(READ_TIMEOUT_MS)
  stream.isFull = true
  stream.receive(frameAll('one', 'two'))
  clock.advance(READ_TIMEOUT_MS)
  inbound.checkTime(clock.time)
  t.strictSame(ends, [])
  clock.advance(1)
  inbound.checkTime(clock.time)
  await nextTurn()
  t.match(ends, only({ code: 'Timeout', reason: 'slow' }))
  t.equal(stream.status, 'aborted')
  t.strictSame(asked, ['one'])
})

t.test('a peer that does not finish a message in time is reset as slow, however many bytes it sends', async t => {
  const { stream, inbound, clock, ends } = setUp()
  const message = framed('a message of some length')
  for (const byte of message.subarray(0, 10)) {
    stream.receive(Uint8Array.of(byte))
    clock.advance(READ_TIMEOUT_MS / 10)
    inbound.checkTime(clock.time)
  }
  t.strictSame(ends, [])
  stream.receive(message.subarray(10, 11))
  clock.advance(1)
  inbound.checkTime(clock.time)
  t.match(ends, only({ code: 'Timeout', reason: 'slow' }))
  t.equal(stream.resetWith, ends[0])
})

t.test('each message has its own time', async t => {
  const { stream, inbound, clock, ends, replies } = setUp()
  for (const text of ['one', 'two', 'three']) {
    const message = framed(text)
    stream.receive(message.subarray(0, 2))
    clock.advance(READ_TIMEOUT_MS)
    inbound.checkTime(clock.time)
    stream.receive(message.subarray(2))
  }
  t.strictSame(ends, [])
  t.strictSame(replies(), ['one', 'two', 'three'])
})

t.test('an idle stream is closed, which is nobody’s fault', async t => {
  const { stream, inbound, clock, ends } = setUp()
  stream.receive(framed('one'))
  clock.advance(IDLE_TIMEOUT_MS)
  inbound.checkTime(clock.time)
  t.strictSame(ends, [])
  clock.advance(1)
  inbound.checkTime(clock.time)
  t.match(ends, only({ code: 'Timeout', reason: undefined }))
})

t.test('the time that we take to answer is not the peer’s', async t => {
  const first = Promise.withResolvers<string>()
  const { stream, inbound, clock, ends } = setUp({ answer: async () => await first.promise })
  stream.receive(framed('one'), framed('two').subarray(0, 1))
  clock.advance(10 * IDLE_TIMEOUT_MS)
  inbound.checkTime(clock.time)
  t.strictSame(ends, [])
  first.resolve('one')
  await nextTurn()
  inbound.checkTime(clock.time)
  t.strictSame(ends, [])
})

t.test('a thousand requests at once leave others their turns', async t => {
  let turns = 0
  const { stream, clock, replies } = setUp({
    answer: text => {
      clock.advance(1)
      return text
    },
  })
  stream.receive(Buffer.concat(new Array<Uint8Array>(1000).fill(framed('x'))))
  for (; replies().length < 1000; turns++) {
    t.ok(replies().length <= (turns + 1) * 11)
    await nextTurn()
  }
  t.ok(turns >= 1000 / 11 - 1)
})

t.test('of millions of requests in one chunk only those are taken out that are answered', async t => {
  const { stream, asked, ends } = setUp({
    answer: () => {
      if (asked.length > 100) throw new DhtError('Backpressure', 'Too many requests.', { reason: 'rate' })
      return undefined
    },
  })
  const before = process.memoryUsage().heapUsed
  stream.receive(Buffer.alloc(4 * 1024 * 1024, framed('x')))
  t.ok(process.memoryUsage().heapUsed - before < 10_000_000)
  t.equal(asked.length, 101)
  t.match(ends, only({ reason: 'rate' }))
})

t.test('a peer that closes its end still gets what it asked for', async t => {
  const first = Promise.withResolvers<string>()
  const { stream, replies, ends } = setUp({ answer: text => text === 'one' ? first.promise : text })
  stream.receive(frameAll('one', 'two'))
  stream.closeRemote()
  t.equal(stream.status, 'open')
  first.resolve('one')
  await nextTurn()
  t.strictSame(replies(), ['one', 'two'])
  t.equal(stream.status, 'closed')
  t.strictSame(ends, [undefined])
})

t.test('also what it asked for last, while we did not read', async t => {
  const { stream, replies, ends } = setUp({ answer: async text => await nextTurn(text) })
  stream.receive(framed('one'), framed('two'), framed('three'))
  stream.closeRemote()
  while (ends.length === 0) await nextTurn()
  t.strictSame(replies(), ['one', 'two', 'three'])
  t.strictSame(ends, [undefined])
})

t.test('a stream that its peer closed before we came to it is closed', async t => {
  const stream = new FakeStream()
  stream.closeRemote()
  const { ends } = setUp({ stream })
  await nextTurn()
  t.strictSame(ends, [undefined])
})

t.test('a stream that ends inside a message is refused', async t => {
  const { stream, ends } = setUp()
  stream.receive(framed('cut off').subarray(0, 4))
  stream.closeRemote()
  t.match(ends, only({ code: 'BadRequest', reason: 'frame' }))
})

t.test('a request that is refused resets the stream, and what follows it is not answered', async t => {
  const refusal = new DhtError('BadRequest', 'No.', { reason: 'key' })
  for (const answer of [() => { throw refusal }, async () => { throw refusal }]) {
    const { stream, asked, ends } = setUp({ answer })
    stream.receive(frameAll('one', 'two'))
    await nextTurn()
    t.strictSame(asked, ['one'])
    t.strictSame(ends, [refusal])
    t.equal(stream.resetWith, refusal)
  }
})

t.test('a frame that cannot be is refused after those before it were answered', async t => {
  const { stream, replies, ends } = setUp()
  stream.receive(Buffer.concat([framed('one'), Buffer.alloc(4, 0xff)]))
  t.strictSame(replies(), ['one'])
  t.match(ends, only({ code: 'TooLarge', reason: 'frame' }))
})

t.test('after a reset nothing is sent and nothing is asked', async t => {
  const first = Promise.withResolvers<string>()
  const { stream, asked, replies, ends } = setUp({ answer: async () => await first.promise })
  stream.receive(frameAll('one', 'two'))
  stream.resetRemote()
  first.resolve('one')
  await nextTurn()
  t.strictSame(asked, ['one'])
  t.strictSame(replies(), [])
  t.equal(ends.length, 1)
})

t.test('the end is told once', async t => {
  const { stream, inbound, ends } = setUp()
  const stop = new DhtError('NotReady', 'Stopping.')
  inbound.abort(stop)
  inbound.abort(new Error('again'))
  stream.closeRemote()
  await nextTurn()
  t.strictSame(ends, [stop])
})
