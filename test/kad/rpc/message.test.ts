import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
// The codec of the stock implementation, which its package does not export.
import { Message as StockMessage, type MessageType as StockType } from '../../../node_modules/@libp2p/kad-dht/dist/src/message/dht.js'
import { DhtError } from '../../../src/core/errors.ts'
import { MAX_PEER_RECORD_BYTES } from '../../../src/core/limits.ts'
import { FrameSplitter } from '../../../src/kad/rpc/frames.ts'
import { decodePeer, decodeRequest, encodePeer, encodeReply, MESSAGE_TYPES, replySize, type MessageType, type PeerEntry } from '../../../src/kad/rpc/message.ts'
import { ProtobufWriter } from '../../../src/kad/rpc/protobuf.ts'

interface HexPeer { readonly id: string, readonly addrs: readonly string[] }
interface HexMessage {
  readonly type: MessageType
  readonly key?: string
  readonly record?: string
  readonly closer: readonly HexPeer[]
  readonly providers: readonly HexPeer[]
  readonly clusterLevel?: number
  readonly hex: string
}

const VECTORS = (JSON.parse(readFileSync(new URL('../../vectors/kad-messages.json', import.meta.url), 'utf8')) as { messages: HexMessage[] }).messages

const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const encodeHexPeer = ({ id, addrs }: HexPeer): Uint8Array => encodePeer({ id: fromHex(id), addrs: addrs.map(fromHex) })
const hexOfPeer = ({ id, addrs }: PeerEntry): HexPeer => ({ id: toHex(id), addrs: addrs.map(toHex) })

/** The message inside its length prefix. */
function unframed (framed: Uint8Array): Uint8Array {
  const frames = new FrameSplitter().push(framed)
  if (frames.length !== 1 || frames[0] === undefined) throw new Error('not one frame')
  return Uint8Array.from(frames[0])
}

const anyType = fc.constantFrom(...MESSAGE_TYPES)
const anyPeer = fc.record({
  id: fc.uint8Array({ minLength: 1, maxLength: 64 }),
  addrs: fc.array(fc.uint8Array({ minLength: 1, maxLength: 100 }), { maxLength: 16 }),
}, { noNullPrototype: true })
const anyPeers = fc.array(anyPeer, { maxLength: 5 })
const anyMessage = fc.record({
  type: anyType,
  key: fc.uint8Array({ minLength: 1, maxLength: 80 }),
  record: fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined }),
  closer: anyPeers,
  providers: anyPeers,
  clusterLevel: fc.option(fc.integer(), { nil: undefined }),
}, { noNullPrototype: true })

/** A message with a field that says it has so many provider entries. */
function withProviders (count: number): Uint8Array {
  const entry = encodePeer({ id: Uint8Array.of(1), addrs: [] })
  return unframed(encodeReply({ type: 'ADD_PROVIDER', providers: new Array<Uint8Array>(count).fill(entry) }))
}

for (const vector of VECTORS) {
  t.test(`${vector.type} is read and written as in the test vector`, async t => {
    const { type, clusterLevel, key = '', record } = vector
    const request = decodeRequest(fromHex(vector.hex))
    t.match(request, { type, clusterLevel })
    t.equal(toHex(request.key), key)
    t.equal(request.record && toHex(request.record), record)
    t.strictSame(request.providers.map(hexOfPeer), vector.providers)

    const written = unframed(encodeReply({
      type,
      clusterLevel,
      key: fromHex(key),
      record: record === undefined ? undefined : fromHex(record),
      closer: vector.closer.map(encodeHexPeer),
      providers: vector.providers.map(encodeHexPeer),
    }))
    t.strictSame(StockMessage.decode(written), StockMessage.decode(fromHex(vector.hex)))
  })
}

t.test('the stock codec reads what we write', async t => {
  fc.assert(fc.property(anyMessage, message => {
    const { type, closer, providers } = message
    const framed = encodeReply({ ...message, closer: closer.map(encodePeer), providers: providers.map(encodePeer) })
    const toStock = ({ id, addrs }: PeerEntry): unknown => ({ id, multiaddrs: addrs })
    const { record, clusterLevel, ...decoded } = StockMessage.decode(unframed(framed))
    t.strictSame(decoded, { type, key: message.key, closer: closer.map(toStock), providers: providers.map(toStock) })
    t.strictSame(record, message.record)
    t.equal(clusterLevel, message.clusterLevel)
  }))
})

t.test('we read what the stock codec writes', async t => {
  fc.assert(fc.property(anyMessage, message => {
    const toStock = ({ id, addrs }: PeerEntry): { id: Uint8Array, multiaddrs: Uint8Array[] } => ({ id, multiaddrs: [...addrs] })
    const { type, key, record, clusterLevel, closer, providers } = message
    const request = decodeRequest(StockMessage.encode({
      type: type as StockType,
      key,
      closer: closer.map(toStock),
      providers: providers.map(toStock),
      ...(record !== undefined && { record }),
      ...(clusterLevel !== undefined && { clusterLevel }),
    }))
    t.strictSame(request, { type, key, record, clusterLevel, providers })
  }))
})

t.test('a message without a type is PUT_VALUE, the zero of the enum', async t => {
  t.strictSame(decodeRequest(new Uint8Array(0)), { type: 'PUT_VALUE', key: new Uint8Array(0), record: undefined, providers: [], clusterLevel: undefined })
})

t.test('an unknown type is refused, also a negative one', async t => {
  for (const type of [6, 1000, -1]) {
    const writer = new ProtobufWriter(32)
    writer.int32Field(1, type)
    t.throws(() => decodeRequest(writer.finish()), { code: 'BadRequest', reason: 'type' }, String(type))
  }
})

t.test('the cluster level comes back as it was sent, also a negative one in ten bytes', async t => {
  for (const clusterLevel of [0, 1, 2 ** 31 - 1, -1, -(2 ** 31)]) {
    t.equal(decodeRequest(unframed(encodeReply({ type: 'PING', clusterLevel }))).clusterLevel, clusterLevel)
  }
})

t.test('a key of 80 bytes is read, one of 81 is refused', async t => {
  const withKey = (size: number): Uint8Array => unframed(encodeReply({ type: 'FIND_NODE', key: new Uint8Array(size) }))
  t.equal(decodeRequest(withKey(80)).key.byteLength, 80)
  t.throws(() => decodeRequest(withKey(81)), { code: 'BadRequest', reason: 'key' })
})

t.test('a request names at most 16 providers; the seventeenth ends the reading', async t => {
  t.equal(decodeRequest(withProviders(16)).providers.length, 16)
  t.throws(() => decodeRequest(withProviders(17)), { code: 'BadRequest', reason: 'provider' })
  const garbageAfter17 = Buffer.concat([withProviders(17), Buffer.alloc(1_000_000, 0xff)])
  t.throws(() => decodeRequest(withProviders(2000)), { code: 'BadRequest', reason: 'provider' })
  t.throws(() => decodeRequest(garbageAfter17), { code: 'BadRequest', reason: 'provider' }, 'what follows was not looked at')
})

t.test('of a peer the first 16 addresses are kept', async t => {
  const addrs = Array.from({ length: 100 }, (_, index) => Uint8Array.of(index))
  t.strictSame(decodePeer(encodePeer({ id: Uint8Array.of(1), addrs })).addrs, addrs.slice(0, 16))
})

t.test('of a peer at most 8 KiB of addresses are kept, and none above 512 bytes', async t => {
  const fat = Array.from({ length: 16 }, (_, index) => new Uint8Array(512).fill(index))
  const oversized = new Uint8Array(513)
  const { addrs } = decodePeer(encodePeer({ id: Uint8Array.of(1), addrs: [oversized, ...fat, Uint8Array.of(1)] }))
  t.strictSame(addrs, fat)
  t.equal(addrs.reduce((sum, { byteLength }) => sum + byteLength, 0), MAX_PEER_RECORD_BYTES)
})

t.test('an empty address is passed over', async t => {
  t.strictSame(decodePeer(encodePeer({ id: Uint8Array.of(1), addrs: [new Uint8Array(0), Uint8Array.of(2)] })).addrs, [Uint8Array.of(2)])
})

t.test('a peer ID of 64 bytes is read, a longer one is refused', async t => {
  t.equal(decodePeer(encodePeer({ id: new Uint8Array(64), addrs: [] })).id.byteLength, 64)
  t.throws(() => decodePeer(encodePeer({ id: new Uint8Array(65), addrs: [] })), { code: 'BadRequest', reason: 'decode' })
})

t.test('closer peers in a request mean nothing and are not looked at', async t => {
  const writer = new ProtobufWriter(64)
  writer.int32Field(1, 5)
  writer.bytesField(8, Buffer.alloc(20, 0xff)) // not a peer
  t.equal(decodeRequest(writer.finish()).type, 'PING')
})

t.test('a message cut off anywhere is refused or a shorter one, never a crash', async t => {
  const whole = fromHex(VECTORS.find(({ type }) => type === 'ADD_PROVIDER')?.hex ?? '')
  for (let length = 0; length < whole.byteLength; length++) {
    try {
      decodeRequest(whole.subarray(0, length))
    } catch (err) {
      t.ok(err instanceof DhtError && err.reason === 'decode', `${length} bytes`)
    }
  }
})

t.test('no bytes do more than be refused', async () => {
  const mutated = fc.tuple(fc.constantFrom(...VECTORS), fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 8 })).map(([{ hex }, changes]) => {
    const bytes = fromHex(hex)
    for (const [place, value] of changes) bytes[place % bytes.byteLength] = value
    return bytes
  })
  fc.assert(fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 300 })), bytes => {
    try {
      decodeRequest(bytes)
    } catch (err) {
      if (!(err instanceof DhtError && err.code === 'BadRequest')) throw err
    }
  }), { numRuns: 5000 })
})

t.test('the size of a reply is never estimated too small', async t => {
  fc.assert(fc.property(anyMessage, message => {
    const reply = { ...message, closer: message.closer.map(encodePeer), providers: message.providers.map(encodePeer) }
    t.ok(unframed(encodeReply(reply)).byteLength <= replySize(reply))
  }))
})
