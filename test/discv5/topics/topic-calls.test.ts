import t from 'tap'
import { DhtError } from '../../../src/core/errors.ts'
import { Counts } from '../../../src/discv5/counts.ts'
import { RecordCache } from '../../../src/discv5/enr/record-cache.ts'
import { signRecord, type Enr } from '../../../src/discv5/enr/record.ts'
import { ipBytes } from '../../../src/discv5/ip.ts'
import { uintBytes } from '../../../src/discv5/rlp.ts'
import { logDistance } from '../../../src/discv5/table/distance.ts'
import { TopicCalls } from '../../../src/discv5/topics/topic-calls.ts'
import { decodeMessage, type Message } from '../../../src/discv5/wire/message.ts'
import { encodeConfirmation, encodeTopicnodes } from '../../../src/discv5/wire/topic-message.ts'
import { curve } from '../network.ts'

const ID = Buffer.from([1])
const TOPIC = Buffer.alloc(32, 5)
const record = (n: number, ip = `9.1.1.${n}`) => signRecord(1n, { ip: ipBytes(ip), udp: uintBytes(9000), ng: Buffer.from([1]) }, Buffer.alloc(32, n), curve)
const [self, registrar] = [record(1), record(2)]
const target = { id: registrar.id, ip: '9.1.1.2', port: 9000, record: registrar }
const distanceOf = ({ id }: Enr) => logDistance(TOPIC, id)

/** A registrar that gives these parts; what it leaves out never comes. */
function callsOf (parts: readonly Buffer[], admits: (record: Enr) => boolean = () => true) {
  const counts = new Counts()
  const read = { parts: 0 }
  const calls = new TopicCalls({
    messenger: {
      request: (_target, _id, _plaintext, onAnswer: (message: Message) => boolean, settle) => {
        const isWhole = parts.some(part => {
          read.parts++
          return onAnswer(decodeMessage(part))
        })
        settle(isWhole ? undefined : new DhtError('Timeout', 'no answer'))
      },
    },
    records: new RecordCache(curve, counts),
    self: self.id,
    admits,
    counts,
  })
  return { calls, counts, read }
}

const ids = (records: readonly Enr[]) => records.map(({ nodeId }) => nodeId)

t.test('advertisers come in TOPICNODES, others in NODES, and one is not taken for the other', async t => {
  const [found, other] = [record(3), record(4)]
  const { calls } = callsOf(encodeTopicnodes(ID, [found.bytes], [other.bytes]))
  const { advertisers, auxiliary } = await calls.query(target, TOPIC, [distanceOf(other)])
  t.strictSame([ids(advertisers), ids(auxiliary)], [[found.nodeId], [other.nodeId]])
})

t.test('auxiliary records of distances that nobody asked for are not taken', async t => {
  const { calls } = callsOf(encodeTopicnodes(ID, [], [record(4).bytes]))
  t.strictSame((await calls.query(target, TOPIC, [1])).auxiliary, [])
})

t.test('our own record, one of an outsider, one with a wrong signature and one of a private address are not taken', async t => {
  const forged = Buffer.from(record(5).bytes)
  forged[10] = (forged[10] as number) ^ 1
  const outsider = record(6)
  const { calls, counts } = callsOf(encodeTopicnodes(ID, [self.bytes, forged, outsider.bytes, record(7, '10.0.0.1').bytes, record(8).bytes], []), ({ nodeId }) => nodeId !== outsider.nodeId)
  t.strictSame(ids((await calls.query(target, TOPIC, [])).advertisers), [record(8).nodeId])
  t.strictSame([counts.drops.signature, counts.drops.table_address], [1, 1])
})

t.test('an answer whose rest got lost is an answer; none at all is a time-out', async t => {
  const [confirmation] = encodeConfirmation(ID, Buffer.from('t'), 5, [record(4).bytes]) as [Buffer]
  t.match(await callsOf([confirmation]).calls.register(target, TOPIC, self, Buffer.alloc(0), [256]), { ticket: Buffer.from('t'), waitMs: 5 })
  await t.rejects(callsOf([]).calls.register(target, TOPIC, self, Buffer.alloc(0), []), { code: 'Timeout' })
  await t.rejects(callsOf([]).calls.query(target, TOPIC, []), { code: 'Timeout' })
  await t.rejects(callsOf(encodeTopicnodes(ID, [], [])).calls.register(target, TOPIC, self, Buffer.alloc(0), []), { code: 'Timeout' }, 'the answer of the other request')
})

t.test('a registrar that promises parts without end is read no farther than the bound', async t => {
  const part = Buffer.from(encodeTopicnodes(ID, [record(3).bytes], [])[0] as Buffer)
  const total = part.indexOf(1, 4) // after the request ID, which is 1 too
  part[total] = 100
  const { calls, read } = callsOf(Array.from({ length: 50 }, () => part))
  t.equal((await calls.query(target, TOPIC, [])).advertisers.length, 1)
  t.equal(read.parts, 16)
})
