import fc from 'fast-check'
import t from 'tap'
import { DhtError } from '../../../src/core/errors.ts'
import { ProtobufReader, ProtobufWriter } from '../../../src/kad/rpc/protobuf.ts'

const MALFORMED = { code: 'BadRequest', reason: 'decode' } as const
const reader = (...bytes: readonly number[]): ProtobufReader => new ProtobufReader(Uint8Array.from(bytes))

/** The bytes of a message that `write` writes. */
function written (write: (writer: ProtobufWriter) => void): Uint8Array {
  const writer = new ProtobufWriter(1024)
  write(writer)
  return writer.finish()
}

t.test('what was written is read', async t => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 2 ** 29 - 1 }), fc.integer(), fc.uint8Array({ maxLength: 500 }), (field, number, bytes) => {
    const message = new ProtobufReader(written(writer => {
      writer.int32Field(field, number)
      writer.bytesField(field, bytes)
    }))
    t.strictSame(message.nextTag(), { field, wireType: 0 })
    t.equal(message.int32(), number)
    t.strictSame(message.nextTag(), { field, wireType: 2 })
    t.strictSame(message.bytes(), bytes)
    t.equal(message.nextTag(), undefined)
  }))
})

t.test('a negative int32 takes ten bytes, as every protobuf has it', async t => {
  t.equal(Buffer.from(written(writer => writer.int32Field(10, -1))).toString('hex'), '50ffffffffffffffffff01')
  t.equal(Buffer.from(written(writer => writer.int32Field(10, -(2 ** 31)))).toString('hex'), '5080808080f8ffffffff01')
})

t.test('an int32 is the low 32 bits of what was sent', async t => {
  t.equal(reader(0x80, 0x80, 0x80, 0x80, 0x10).int32(), 0, '2 ** 32')
  t.equal(reader(0xff, 0xff, 0xff, 0xff, 0x0f).int32(), -1, '2 ** 32 - 1')
  t.throws(() => reader(...new Array<number>(10).fill(0x80), 0).int32(), MALFORMED, 'more than ten bytes')
  t.throws(() => reader(0x80).int32(), MALFORMED, 'cut off')
})

t.test('a length is never rounded', async t => {
  t.equal(reader(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f).varint(), Number.MAX_SAFE_INTEGER)
  t.throws(() => reader(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10).varint(), MALFORMED, '2 ** 53')
  t.throws(() => reader(...new Array<number>(9).fill(0x80), 1).varint(), MALFORMED)
  t.equal(reader(0x81, 0x80, 0x00).varint(), 1, 'longer than needed, but a number')
})

t.test('a length beyond the end is refused before anything is read', async t => {
  t.throws(() => reader(2, 1).bytes(), MALFORMED)
  t.throws(() => reader(0xff, 0xff, 0xff, 0x7f).bytes(), MALFORMED)
})

t.test('unknown fields of every kind are passed over, groups are refused', async t => {
  const message = reader(0x78, 0xff, 0x01, 0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7a, 2, 9, 9, 0x7d, 1, 2, 3, 4)
  const wireTypes: number[] = []
  for (let tag = message.nextTag(); tag !== undefined; tag = message.nextTag()) {
    t.equal(tag.field, 15)
    wireTypes.push(tag.wireType)
    message.skip(tag.wireType)
  }
  t.strictSame(wireTypes, [0, 1, 2, 5])
  for (const wireType of [3, 4, 6, 7]) t.throws(() => reader(0, 0, 0, 0).skip(wireType), MALFORMED)
  t.throws(() => reader(1, 2, 3).skip(5), MALFORMED)
  t.throws(() => reader(1, 2, 3, 4, 5, 6, 7).skip(1), MALFORMED)
})

t.test('field zero does not exist', async t => {
  t.throws(() => reader(0x02).nextTag(), MALFORMED)
})

t.test('a framed message is its length and itself in one buffer', async t => {
  for (const length of [1, 124, 128, 300, 20_000, 3_000_000]) {
    const bytes = new Uint8Array(length).fill(1)
    const writer = new ProtobufWriter(length + 10)
    writer.bytesField(1, bytes)
    const framed = writer.finishFramed()
    const message = new ProtobufReader(new ProtobufReader(framed).bytes())
    t.strictSame(message.nextTag(), { field: 1, wireType: 2 })
    t.equal(message.bytes().byteLength, length)
  }
})

t.test('random bytes are read, or refused as malformed', async t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
    const message = new ProtobufReader(bytes)
    try {
      for (let tag = message.nextTag(); tag !== undefined; tag = message.nextTag()) message.skip(tag.wireType)
    } catch (err) {
      t.ok(err instanceof DhtError && err.reason === 'decode')
    }
  }), { numRuns: 1000 })
})
