import t from 'tap'
import { DhtError } from '../../../src/core/errors.ts'
import type { Enr } from '../../../src/discv5/enr/record.ts'
import { logDistance } from '../../../src/discv5/table/distance.ts'
import { Advertiser } from '../../../src/discv5/topics/advertiser.ts'
import type { Confirmation } from '../../../src/discv5/topics/topic-calls.ts'
import { only } from '../../patterns.ts'
import { advertiser as ownRecord } from './advertisers.ts'
import { nodeAt, surroundings } from './registrars.ts'

const TOPIC = '00'.repeat(32)
const E = 900_000
const EMPTY = Buffer.alloc(0)
const ADMITTED: Confirmation = { ticket: EMPTY, waitMs: E, auxiliary: [] }

interface Ask { readonly registrar: Enr, readonly ticket: Buffer, readonly at: number, readonly seq: bigint }

function setUp (known: readonly Enr[], answer: (ask: Ask) => Confirmation = () => ADMITTED) {
  const { deps, ...rest } = surroundings(known)
  const asks: Ask[] = []
  const own = { record: ownRecord(1) }
  const advertiser = new Advertiser({ lifetimeMs: E, registrationsInBucket: 5 }, {
    ...deps,
    ownRecord: () => own.record,
    calls: {
      register: async ({ record }, _topic, { seq }, ticket) => {
        const ask = { registrar: record, ticket, at: rest.clock.now, seq }
        asks.push(ask)
        rest.answerOf(record)
        return answer(ask)
      },
    },
  })
  /** Lets time pass, in steps that nothing falls between. */
  const pass = async (ms: number, stepMs = 1000) => {
    for (const end = rest.clock.now + ms; rest.clock.now < end; rest.clock.now += Math.min(stepMs, end - rest.clock.now)) {
      advertiser.tick()
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  return { ...rest, deps, advertiser, asks, own, pass }
}

t.test('an advertisement goes to five registrars of each bucket, the farthest first, and each has it once', async t => {
  const { advertiser, asks, pass } = setUp([256, 255, 250].flatMap(distance => Array.from({ length: distance === 250 ? 2 : 8 }, (_, n) => nodeAt(distance, n + 1))))
  advertiser.advertise(TOPIC, Infinity)
  await pass(60_000)
  const distances = asks.map(({ registrar }) => logDistance(Buffer.alloc(32), registrar.id))
  t.strictSame(distances, [256, 256, 256, 256, 256, 255, 255, 255, 255, 255, 250, 250])
  t.equal(new Set(asks.map(({ registrar }) => registrar.nodeId)).size, 12)
  t.match(advertiser.list(), only({ topic: TOPIC, held: 12, waiting: 0 }))
})

t.test('who is told to wait comes again with the ticket, not before its time and within its window', async t => {
  const { advertiser, asks, pass } = setUp([nodeAt(256, 1)], ({ ticket }) => ticket.length === 0 ? { ticket: Buffer.from('t'), waitMs: 600_000, auxiliary: [] } : ADMITTED)
  advertiser.advertise(TOPIC, Infinity)
  await pass(60_000, 100)
  t.match(advertiser.list(), only({ held: 0, waiting: 1 }))
  await pass(560_000, 100)
  t.strictSame(asks.map(({ ticket }) => ticket.toString()), ['', 't'])
  const waitedMs = (asks[1]?.at ?? 0) - (asks[0]?.at ?? 0)
  t.ok(waitedMs >= 600_000 && waitedMs < 602_000, `${waitedMs} ms`)
  t.match(advertiser.list(), only({ held: 1, waiting: 0 }))
})

t.test('a renewal begins at half the lifetime, so that there is time for its wait', async t => {
  const { advertiser, asks, pass } = setUp([nodeAt(256, 1)])
  advertiser.advertise(TOPIC, Infinity)
  await pass(3 * E)
  t.strictSame(asks.map(({ at }) => Math.round((at - 1_000_000) / E * 2)), [0, 1, 2, 3, 4, 5])
  t.match(advertiser.list(), only({ held: 1 }))
})

t.test('a ticket is not used for another record of ours', async t => {
  const { advertiser, asks, own, pass } = setUp([nodeAt(256, 1)], () => ({ ticket: Buffer.from('t'), waitMs: 10_000, auxiliary: [] }))
  advertiser.advertise(TOPIC, Infinity)
  await pass(1000)
  own.record = ownRecord(1, 2n)
  await pass(11_000)
  t.strictSame(asks.map(({ ticket, seq }) => [ticket.toString(), seq]), [['', 1n], ['', 2n]])
})

t.test('a registrar that does not answer is replaced by another of its bucket, and left alone after the second time', async t => {
  const { advertiser, asks, silent, pass } = setUp([...Array.from({ length: 6 }, (_, n) => nodeAt(256, n + 1))])
  for (let n = 1; n <= 3; n++) silent.add(nodeAt(256, n).nodeId)
  advertiser.advertise(TOPIC, Infinity)
  await pass(60_000)
  t.match(advertiser.list(), only({ held: 3, waiting: 0 }))
  t.equal(asks.filter(({ registrar }) => silent.has(registrar.nodeId)).length, 6)
})

t.test('a registrar that puts off for ever, or for longer than an ad lives, is given up within bounds', async t => {
  const endless = setUp([nodeAt(256, 1)], () => ({ ticket: Buffer.from('t'), waitMs: 0, auxiliary: [] }))
  endless.advertiser.advertise(TOPIC, Infinity)
  await endless.pass(120_000, 50)
  t.ok(endless.asks.length <= 2 * 33, `${endless.asks.length} requests`)
  t.match(endless.advertiser.list(), only({ held: 0, waiting: 0 }))
  const long = setUp([nodeAt(256, 1)], () => ({ ticket: Buffer.from('t'), waitMs: E + 1, auxiliary: [] }))
  long.advertiser.advertise(TOPIC, Infinity)
  await long.pass(60_000)
  t.equal(long.asks.length, 2)
})

t.test('while our record does not say where we are nobody is asked, and held against nobody', async t => {
  const { advertiser, asks, own, pass } = setUp([nodeAt(256, 1)])
  own.record = ownRecord(1, 1n, new Map())
  advertiser.advertise(TOPIC, Infinity)
  await pass(20_000)
  t.equal(asks.length, 0)
  own.record = ownRecord(1, 2n)
  await pass(1000)
  t.match(advertiser.list(), only({ held: 1 }))
})

t.test('no failure of a request ends the advertiser; a full queue of our own is no fault of the registrar', async t => {
  let failures = 3
  const { advertiser, asks, pass } = setUp([nodeAt(256, 1)], () => {
    if (failures-- > 0) throw new DhtError('Backpressure', 'full')
    return ADMITTED
  })
  advertiser.advertise(TOPIC, Infinity)
  await pass(10_000)
  t.equal(asks.length, 4)
  t.match(advertiser.list(), only({ held: 1 }))
})

t.test('sixteen topics at once, each until its end or until it is withdrawn; advertised again, its end is moved', async t => {
  const { advertiser, clock, pass } = setUp([nodeAt(256, 1)])
  for (let i = 0; i < 16; i++) advertiser.advertise(`${i.toString(16)}`.repeat(64), clock.now + 10_000)
  t.throws(() => advertiser.advertise('ab'.repeat(32), Infinity), { code: 'Backpressure' })
  advertiser.advertise('f'.repeat(64), clock.now + 60_000)
  t.equal(advertiser.withdraw('e'.repeat(64)), true)
  t.equal(advertiser.withdraw('e'.repeat(64)), false)
  t.equal(advertiser.list().length, 15)
  await pass(20_000)
  t.strictSame(advertiser.list().map(({ topic }) => topic), ['f'.repeat(64)])
})
