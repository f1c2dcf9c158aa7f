import fc from 'fast-check'
import t from 'tap'
import { Malformed } from '../../../src/discv5/malformed.ts'
import { encodeBytes, encodeList } from '../../../src/discv5/rlp.ts'
import { decodeMessage } from '../../../src/discv5/wire/message.ts'
import { MAX_PACKET_BYTES } from '../../../src/discv5/wire/packet.ts'
import { decodeTopicAnswer, decodeTopicRequest, encodeConfirmation, encodeRegtopic, encodeTopicnodes, encodeTopicquery, MAX_TICKET_BYTES } from '../../../src/discv5/wire/topic-message.ts'
import { because, hex } from '../vectors.ts'

const ID = Buffer.from([1])
const TOPIC = Buffer.alloc(32, 0xaa)
/** IV, static header, source ID and tag. */
const AROUND = 16 + 23 + 32 + 16
const record = (size: number) => encodeList([encodeBytes(Buffer.alloc(size - 3, 7))])
const bytes = (max: number) => fc.uint8Array({ maxLength: max }).map(array => Buffer.from(array))

t.test('the four messages are written field by field as the specification says', async t => {
  const topic = `a0${'aa'.repeat(32)}`
  t.equal(encodeTopicquery(ID, TOPIC, [256, 1]).toString('hex'), `09e701${topic}c482010001`)
  t.equal(encodeRegtopic(ID, TOPIC, hex('c20102'), hex(''), []).toString('hex'), `07e701${topic}c2010280c0`)
  t.strictSame(encodeConfirmation(ID, hex(''), 900_000, []).map(part => part.toString('hex')), ['08c7010180830dbba0'])
  t.strictSame(encodeTopicnodes(ID, [], []).map(part => part.toString('hex')), ['0ac30101c0'])
})

t.test('what is written is read, and REGTOPIC fits a packet with the largest record and ticket', async t => {
  const distances = fc.array(fc.integer({ min: 1, max: 256 }), { maxLength: 16 })
  fc.assert(fc.property(bytes(8), bytes(MAX_TICKET_BYTES), distances, fc.integer({ min: 70, max: 300 }), (id, ticket, asked, size) => {
    const message = encodeRegtopic(id, TOPIC, record(size), ticket, asked)
    const read = decodeTopicRequest(message)
    return message.length + AROUND <= MAX_PACKET_BYTES && read.kind === 'regtopic' && read.requestId.equals(id) && read.ticket.equals(ticket) &&
      read.topic.equals(TOPIC) && read.record.equals(record(size)) && read.distances.join() === asked.join() && decodeMessage(message).kind === 'topic'
  }))
  t.strictSame(decodeTopicRequest(encodeTopicquery(ID, TOPIC, [3])), { kind: 'topicquery', requestId: ID, topic: TOPIC, distances: [3] })
  t.strictSame(decodeTopicAnswer(encodeConfirmation(ID, hex('ff'), 5, [])[0] as Buffer), { kind: 'regconfirmation', requestId: ID, total: 1, ticket: hex('ff'), waitMs: 5 })
})

t.test('an answer has at most five packets, each within its size; advertisers come before auxiliary records, and every part says how many there are', async t => {
  const records = fc.array(fc.integer({ min: 70, max: 300 }).map(record), { maxLength: 16 })
  fc.assert(fc.property(bytes(8), records, records, bytes(MAX_TICKET_BYTES), (id, found, auxiliary, ticket) => [encodeTopicnodes(id, found, auxiliary), encodeConfirmation(id, ticket, 1, auxiliary)].every(parts => {
    const totals = parts.map(part => {
      const message = decodeMessage(part)
      return message.kind === 'nodes' ? message.total : decodeTopicAnswer(part).total
    })
    return parts.length <= 5 && totals.every(total => total === parts.length) && parts.every(part => part.length + AROUND <= MAX_PACKET_BYTES)
  })))
  const kinds = encodeTopicnodes(ID, [record(300)], [record(300)]).map(part => decodeMessage(part).kind)
  t.strictSame(kinds, ['topic-answer', 'nodes'])
  t.equal(encodeTopicnodes(ID, new Array(16).fill(record(300)), [record(300)]).length, 5)
})

t.test('a topic of another length, a longer ticket, bytes after the end and a message of another kind are refused', async t => {
  t.throws(() => decodeTopicRequest(encodeTopicquery(ID, TOPIC.subarray(1), [])), because('message'))
  t.throws(() => decodeTopicRequest(encodeRegtopic(ID, TOPIC, record(70), Buffer.alloc(MAX_TICKET_BYTES + 1), [])), because('message'))
  t.throws(() => decodeTopicRequest(Buffer.concat([encodeTopicquery(ID, TOPIC, []), ID])), because('rlp'))
  t.throws(() => decodeTopicRequest(encodeTopicquery(ID, TOPIC, [257])), because('rlp'))
  t.throws(() => decodeTopicRequest(hex('07c401808080')), because('message'))
  t.throws(() => decodeTopicRequest(encodeTopicnodes(ID, [], [])[0] as Buffer), because('message'))
  t.throws(() => decodeTopicAnswer(encodeTopicquery(ID, TOPIC, [])), because('message'))
})

t.test('no bytes make the readers fail otherwise than by saying that they are malformed', async () => {
  const valid = fc.constantFrom(encodeTopicquery(ID, TOPIC, [256]), encodeRegtopic(ID, TOPIC, record(100), hex('ff'), [1]), ...encodeConfirmation(ID, hex('ff'), 5, [record(80)]), ...encodeTopicnodes(ID, [record(90)], []))
  const damaged = fc.tuple(valid, fc.nat(), fc.nat(255)).map(([message, at, byte]) => {
    const copy = Buffer.from(message)
    copy[at % copy.length] = byte
    return copy
  })
  fc.assert(fc.property(fc.oneof(damaged, bytes(200)), plaintext => [decodeTopicRequest, decodeTopicAnswer].every(read => {
    try {
      read(plaintext)
      return true
    } catch (err) {
      return err instanceof Malformed
    }
  })), { numRuns: 2000 })
})
