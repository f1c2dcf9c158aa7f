import fc from 'fast-check'
import t from 'tap'
import { MAX_FRAME_BYTES } from '../../../src/core/limits.ts'
import { FrameSplitter } from '../../../src/kad/rpc/frames.ts'

/** The varint of a length. */
function prefixOf (length: number): Uint8Array {
  const bytes: number[] = []
  let rest = length
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push(rest % 128 + 128)
  return Uint8Array.from([...bytes, rest])
}

function framed (...frames: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(frames.flatMap(frame => [prefixOf(frame.byteLength), frame]))
}

/** Feeds `bytes` cut at the given places, and copies what comes out at once: later chunks must not change it. */
function split (bytes: Uint8Array, cuts: readonly number[]): { readonly frames: Buffer[], readonly splitter: FrameSplitter } {
  const splitter = new FrameSplitter()
  const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.byteLength]
  const frames = places.slice(1).flatMap((end, index) => splitter.push(bytes.slice(places[index], end)))
  return { frames: frames.map(frame => Buffer.from(frame)), splitter }
}

t.test('however the bytes are cut, the frames are the same', async t => {
  const frames = fc.array(fc.uint8Array({ minLength: 1, maxLength: 400 }), { maxLength: 12 })
  fc.assert(fc.property(frames, fc.array(fc.nat()), (sent, cuts) => {
    const bytes = framed(...sent)
    const result = split(bytes, cuts.map(cut => cut % (bytes.byteLength + 1)))
    t.strictSame(result.frames, sent.map(frame => Buffer.from(frame)))
    t.notOk(result.splitter.isMidFrame)
  }), { numRuns: 300 })
})

t.test('a frame that came stays as it was while more bytes arrive', async t => {
  const splitter = new FrameSplitter()
  const [first = Buffer.alloc(0)] = [splitter.push(framed(Buffer.from('first')).subarray(0, 3)), splitter.push(Buffer.from('rst'))].flat()
  t.equal(Buffer.from(first).toString(), 'first')
  splitter.push(Buffer.concat([prefixOf(500), Buffer.alloc(300, 'x')]))
  splitter.push(Buffer.alloc(199, 'y'))
  t.equal(Buffer.from(first).toString(), 'first')
})

t.test('a sender is mid-frame from a frame’s first byte to its last', async t => {
  const splitter = new FrameSplitter()
  t.notOk(splitter.isMidFrame)
  const bytes = framed(Buffer.alloc(300))
  for (const byte of bytes.subarray(0, -1)) {
    splitter.push(Uint8Array.of(byte))
    t.ok(splitter.isMidFrame)
  }
  t.equal(splitter.push(bytes.subarray(-1)).length, 1)
  t.notOk(splitter.isMidFrame)
  splitter.push(new Uint8Array(0))
  t.notOk(splitter.isMidFrame)
})

t.test('a frame has at most 4 MiB, which its prefix alone decides', async t => {
  const splitter = new FrameSplitter()
  t.strictSame(splitter.push(prefixOf(MAX_FRAME_BYTES)), [])
  t.throws(() => new FrameSplitter().push(prefixOf(MAX_FRAME_BYTES + 1)), { code: 'TooLarge', reason: 'frame' })
  t.throws(() => split(prefixOf(MAX_FRAME_BYTES + 1), [1, 2, 3]), { code: 'TooLarge', reason: 'frame' })
  t.throws(() => new FrameSplitter().push(prefixOf(2 ** 40)), { code: 'TooLarge', reason: 'frame' })
  t.throws(() => new FrameSplitter().push(Buffer.alloc(4, 0xff)), { code: 'TooLarge', reason: 'frame' }, 'a prefix without end')
})

t.test('frames come one by one, and nothing is done for those that are not taken', async t => {
  const splitter = new FrameSplitter()
  const chunk = framed(...['a', 'b', 'c'].map(text => Buffer.from(text)))
  splitter.add(Buffer.concat([chunk, prefixOf(MAX_FRAME_BYTES + 1)]))
  const taken = ['a', 'b', 'c'].map(() => Buffer.from(splitter.next() ?? []).toString())
  t.strictSame(taken, ['a', 'b', 'c'])
  t.throws(() => splitter.next(), { code: 'TooLarge' }, 'what follows was not looked at before')
})

t.test('what is added while frames wait comes after them', async t => {
  const splitter = new FrameSplitter()
  for (const text of ['one', 'two', 'three']) splitter.add(framed(Buffer.from(text)))
  t.strictSame(splitter.push(framed(Buffer.from('four'))).map(frame => Buffer.from(frame).toString()), ['one', 'two', 'three', 'four'])
  t.notOk(splitter.isMidFrame)
})

t.test('an empty frame is refused', async t => {
  t.throws(() => new FrameSplitter().push(Uint8Array.of(0)), { code: 'BadRequest', reason: 'frame' })
  t.throws(() => new FrameSplitter().push(Uint8Array.of(0x80, 0x00)), { code: 'BadRequest', reason: 'frame' })
})

t.test('nothing is kept for a frame but the bytes that came, doubled at most', async t => {
  const splitter = new FrameSplitter()
  splitter.push(prefixOf(MAX_FRAME_BYTES))
  const before = process.memoryUsage().arrayBuffers
  const chunk = Buffer.alloc(1024)
  for (let sent = 0; sent < 64; sent++) splitter.push(chunk)
  t.ok(process.memoryUsage().arrayBuffers - before < 1024 * 1024)
})

t.test('a frame of 4 MiB that comes byte by byte is copied only as its room doubles', async t => {
  const splitter = new FrameSplitter()
  splitter.push(prefixOf(MAX_FRAME_BYTES))
  const byte = Uint8Array.of(7)
  const before = process.memoryUsage().arrayBuffers
  for (let sent = 1; sent < MAX_FRAME_BYTES; sent++) splitter.push(byte)
  // Copying all for each byte would take 8 TB; the rooms of all sizes together are less than twice the frame.
  t.ok(process.memoryUsage().arrayBuffers - before < 4 * MAX_FRAME_BYTES)
  const [frame] = splitter.push(byte)
  t.equal(frame?.byteLength, MAX_FRAME_BYTES)
  t.ok(frame?.every(value => value === 7))
})
