import fc from 'fast-check'
import t from 'tap'
import { decodeRecord, decodeRecordText, MAX_RECORD_BYTES, signRecord } from '../../../src/discv5/enr/record.ts'
import { Malformed } from '../../../src/discv5/malformed.ts'
import { encodeBytes, encodeList, RlpReader, uintBytes } from '../../../src/discv5/rlp.ts'
import { loadSecp256k1 } from '../../../src/discv5/secp256k1.ts'
import { keccak_256 as keccak256 } from '@noble/hashes/sha3.js'
import { because, hex, vectors } from '../vectors.ts'

const curve = loadSecp256k1()
const KEY = hex(vectors.enr.privateKey)

/** A record of any content, rightly signed. */
function signed (seq: Uint8Array, pairs: ReadonlyArray<readonly [string, Uint8Array]>): Buffer {
  const content = [encodeBytes(seq), ...pairs.flatMap(([key, value]) => [encodeBytes(Buffer.from(key)), encodeBytes(value)])]
  return encodeList([encodeBytes(curve.sign(keccak256(encodeList(content)), KEY)), ...content])
}

const V4 = ['id', Buffer.from('v4')] as const
const PUBLIC = ['secp256k1', curve.publicKey(KEY)] as const

t.test('the record of EIP-778 is read, and signed again byte by byte', async t => {
  const record = decodeRecordText(vectors.enr.text, curve)
  t.equal(record.nodeId, vectors.enr.nodeId)
  t.equal(record.seq, 1n)
  t.strictSame(record.endpoints(), [{ ip: '127.0.0.1', port: 30303 }])
  t.equal(record.text, vectors.enr.text)
  const again = signRecord(1n, { ip: Buffer.from([127, 0, 0, 1]), udp: uintBytes(30303) }, KEY, curve)
  t.equal(again.text, vectors.enr.text)
})

t.test('a record of 300 bytes is one, and of 301 is not', async t => {
  const sizeWith = (n: number) => signed(uintBytes(1), [V4, PUBLIC, ['z', Buffer.alloc(n, 7)]])
  const fill = MAX_RECORD_BYTES - sizeWith(170).length + 170
  t.equal(decodeRecord(sizeWith(fill), curve).bytes.length, 300)
  t.throws(() => decodeRecord(sizeWith(fill + 1), curve), because('record'))
  t.throws(() => signRecord(1n, { z: Buffer.alloc(fill + 1, 7) }, KEY, curve), because('record'))
})

t.test('keys are sorted bytewise and unique, and written so', async t => {
  t.throws(() => decodeRecord(signed(uintBytes(1), [PUBLIC, V4]), curve), because('record'))
  t.throws(() => decodeRecord(signed(uintBytes(1), [V4, V4, PUBLIC]), curve), because('record'))
  const record = signRecord(1n, { a_b: Buffer.from('1'), a1: Buffer.from('2'), Z: Buffer.from('3') }, KEY, curve)
  t.strictSame([...record.pairs.keys()], ['Z', 'a1', 'a_b', 'id', 'secp256k1'])
})

t.test('a sequence number has 64 bits, none of them lost', async t => {
  for (const seq of [0n, 1n, 255n, 256n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
    t.equal(decodeRecord(signRecord(seq, {}, KEY, curve).bytes, curve).seq, seq)
  }
  t.throws(() => decodeRecord(signed(Buffer.alloc(9, 1), [V4, PUBLIC]), curve), because('rlp'))
  t.throws(() => decodeRecord(signed(Buffer.from([0, 1]), [V4, PUBLIC]), curve), because('rlp'))
})

t.test('a record that somebody changed is not the record of its key', async t => {
  const bytes = decodeRecordText(vectors.enr.text, curve).bytes
  const changed = Buffer.from(bytes)
  changed[bytes.length - 1] = (changed[bytes.length - 1] as number) ^ 1
  t.throws(() => decodeRecord(changed, curve), because('signature'))
})

t.test('an IP of 3 bytes, a port with a leading zero, another scheme and no key are refused', async t => {
  const ip = ['ip', Buffer.from([1, 2, 3])] as const
  t.throws(() => decodeRecord(signed(uintBytes(1), [V4, ip, PUBLIC]), curve), because('record'))
  t.throws(() => decodeRecord(signed(uintBytes(1), [V4, PUBLIC, ['udp', Buffer.from([0, 80])]]), curve), because('rlp'))
  t.throws(() => decodeRecord(signed(uintBytes(1), [V4, PUBLIC, ['udp', Buffer.from([1, 0, 0])]]), curve), because('record'))
  t.throws(() => decodeRecord(signed(uintBytes(1), [['id', Buffer.from('v5')], PUBLIC]), curve), because('record'))
  t.throws(() => decodeRecord(signed(uintBytes(1), [V4]), curve), because('record'))
})

t.test('a list where an address, a port or a key belongs is refused, and is a value under any other key', async t => {
  const listed = (key: string, value: Buffer): Buffer => {
    const pairs: ReadonlyArray<readonly [string, Buffer]> = [...[V4, PUBLIC].map(([name, bytes]) => [name, encodeBytes(bytes)] as const), [key, value] as const].sort(([a], [b]) => a < b ? -1 : 1)
    const content = [encodeBytes(uintBytes(1)), ...pairs.flatMap(([name, bytes]) => [encodeBytes(Buffer.from(name)), bytes])]
    return encodeList([encodeBytes(curve.sign(keccak256(encodeList(content)), KEY)), ...content])
  }
  for (const [key, hex] of [['udp', 'c105'], ['tcp6', 'c105'], ['ip', 'c3010203'], ['ip6', `cf${'01'.repeat(15)}`], ['libp2p', 'c105']] as const) {
    t.throws(() => decodeRecord(listed(key, Buffer.from(hex, 'hex')), curve), because('record'), key)
  }
  t.strictSame(decodeRecord(listed('eth', Buffer.from('c105', 'hex')), curve).pairs.get('eth'), Buffer.from('c105', 'hex'))
})

t.test('a port below 256 is one byte', async t => {
  const record = signRecord(1n, { udp: uintBytes(80) }, KEY, curve)
  t.equal(record.port('udp'), 80)
  t.strictSame(record.pairs.get('udp'), Buffer.from([80]))
})

t.test('text with stray bits, padding or another prefix is no record', async t => {
  for (const text of ['', 'enr:', vectors.enr.text.slice(4), `${vectors.enr.text}=`, `${vectors.enr.text.slice(0, -1)}9`, `enr:${'A'.repeat(500)}`]) {
    t.throws(() => decodeRecordText(text, curve), Malformed)
  }
})

t.test('no bytes make the record or RLP decoder fail in another way than Malformed', async t => {
  const valid = decodeRecordText(vectors.enr.text, curve).bytes
  const damaged = fc.tuple(fc.nat(valid.length - 1), fc.nat(255)).map(([at, byte]) => {
    const bytes = Buffer.from(valid)
    bytes[at] = byte
    return bytes
  })
  fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 310 }), damaged), bytes => {
    try {
      return decodeRecord(bytes, curve).bytes.equals(bytes)
    } catch (err) {
      return err instanceof Malformed
    }
  }), { numRuns: 3000 })
  t.pass()
})

t.test('whatever RLP is written is read back', async t => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 5 }), items => {
    const reader = new RlpReader(encodeList(items.map(item => encodeBytes(item)))).list()
    return items.every(item => reader.bytes().equals(item)) && reader.isDone
  }))
  t.pass()
})

t.test('any pairs that a node may sign are a record that says them, or Malformed; none of its fields fails when it is read', async t => {
  const keys = fc.oneof(fc.constantFrom('ip', 'ip6', 'udp', 'udp6', 'tcp', 'tcp6', 'quic', 'quic6', 'eth2'), fc.string({ maxLength: 10 }))
  fc.assert(fc.property(fc.dictionary(keys, fc.uint8Array({ maxLength: 40 }), { noNullPrototype: true }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (pairs, seq) => {
    if ('id' in pairs || 'secp256k1' in pairs) return true
    try {
      const record = signRecord(seq, pairs, KEY, curve)
      const ends = record.endpoints()
      return record.seq === seq && ends.every(({ port }) => port > 0 && port < 65_536) && decodeRecordText(record.text, curve).bytes.equals(record.bytes)
    } catch (err) {
      return err instanceof Malformed
    }
  }), { numRuns: 500 })
  t.pass()
})
