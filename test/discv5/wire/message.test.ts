import fc from 'fast-check'
import t from 'tap'
import { Malformed } from '../../../src/discv5/malformed.ts'
import { decodeMessage, encodeFindnode, encodeNodes, encodePing, encodePong, encodeTalkreq, encodeTalkresp } from '../../../src/discv5/wire/message.ts'
import { MAX_PACKET_BYTES } from '../../../src/discv5/wire/packet.ts'
import { encodeBytes, encodeList } from '../../../src/discv5/rlp.ts'
import { because, hex, vectors } from '../vectors.ts'

const ID = Buffer.from([1])
/** IV, static header, source ID and tag. */
const AROUND = 16 + 23 + 32 + 16

t.test('PING, PONG and FINDNODE are written as others write them', async t => {
  t.equal(encodePing(ID, 1n).toString('hex'), vectors.messages.ping)
  t.equal(encodePong(ID, 1n, Buffer.from([127, 0, 0, 1]), 5000).toString('hex'), vectors.messages.pong)
  t.equal(encodeFindnode(ID, [256]).toString('hex'), vectors.messages.findnode)
})

t.test('a request ID comes back byte by byte: leading zeros, and no bytes at all', async t => {
  for (const id of ['00000001', '', '00', '7f', '80', '0000000000000000']) {
    t.equal(decodeMessage(encodePing(hex(id), 0n)).requestId.toString('hex'), id)
  }
})

t.test('a request ID of more than 8 bytes is refused', async t => {
  t.throws(() => decodeMessage(encodePing(Buffer.alloc(9, 1), 0n)), because('request_id'))
})

t.test('an IPv4-mapped address in PONG is the IPv4 address', async t => {
  t.match(decodeMessage(encodePong(ID, 1n, hex('00000000000000000000ffff7f000001'), 5000)), { ip: '127.0.0.1', port: 5000 })
  t.match(decodeMessage(encodePong(ID, 1n, hex('20010db8000000000000000000000001'), 5000)), { ip: '2001:db8::1' })
  t.throws(() => decodeMessage(encodePong(ID, 1n, Buffer.alloc(5), 5000)), because('message'))
})

t.test('TALK messages carry any bytes', async t => {
  t.match(decodeMessage(encodeTalkreq(ID, Buffer.from('x'), hex('00ff'))), { kind: 'talkreq', protocol: Buffer.from('x'), request: hex('00ff') })
  t.match(decodeMessage(encodeTalkresp(ID, Buffer.alloc(0))), { kind: 'talkresp', response: Buffer.alloc(0) })
})

t.test('distances above 256, more of them than there are, unknown types and bytes after the end are refused', async t => {
  t.throws(() => decodeMessage(encodeFindnode(ID, [257])), because('rlp'))
  t.throws(() => decodeMessage(encodeFindnode(ID, new Array(258).fill(1))), because('message'))
  t.throws(() => decodeMessage(hex('63c20101')), because('message'))
  t.throws(() => decodeMessage(hex('01c2010100')), because('rlp'))
  t.throws(() => decodeMessage(hex('01c3010101')), because('rlp'))
  t.strictSame(['07c20101', '08c20101', '09c20101', '0ac20101'].map(text => decodeMessage(hex(text)).kind), ['topic', 'topic-answer', 'topic', 'topic-answer'], 'read further where topics are on')
})

t.test('NODES: every part fits a packet, all parts say how many there are, and there are at most five', async t => {
  const record = (size: number) => encodeList([encodeBytes(Buffer.alloc(size - 3, 7))])
  fc.assert(fc.property(fc.array(fc.integer({ min: 70, max: 300 }), { maxLength: 16 }), fc.uint8Array({ maxLength: 8 }), (sizes, id) => {
    const records = sizes.map(record)
    const parts = encodeNodes(id, records)
    const read = parts.map(part => decodeMessage(part))
    const sent = read.flatMap(message => message.kind === 'nodes' ? message.records : [])
    return parts.length >= 1 && parts.length <= 5 && parts.every(part => part.length + AROUND <= MAX_PACKET_BYTES) &&
      read.every(message => message.kind === 'nodes' && message.total === parts.length) &&
      sent.every((bytes, i) => bytes.equals(records[i] as Buffer)) && (parts.length === 5 || sent.length === records.length)
  }))
  t.equal(encodeNodes(ID, new Array(16).fill(record(130))).length, 2)
  t.equal(encodeNodes(ID, []).length, 1)
})

t.test('no bytes make the message decoder fail in another way than Malformed', async t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 1200 }), fc.integer({ min: 0, max: 12 }), (bytes, type) => {
    try {
      decodeMessage(Buffer.concat([Buffer.from([type]), encodeList([bytes])]))
      decodeMessage(Buffer.from(bytes))
      return true
    } catch (err) {
      return err instanceof Malformed
    }
  }), { numRuns: 3000 })
  t.pass()
})
