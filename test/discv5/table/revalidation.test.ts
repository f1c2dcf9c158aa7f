import t from 'tap'
import { DhtError } from '../../../src/core/errors.ts'
import type { Pong } from '../../../src/discv5/engine.ts'
import { Counts } from '../../../src/discv5/counts.ts'
import { Enr } from '../../../src/discv5/enr/record.ts'
import { Revalidation } from '../../../src/discv5/table/revalidation.ts'
import { Table } from '../../../src/discv5/table/table.ts'

const INTERVAL_MS = 1000
const at = (n: number, seq = 1n) => new Enr(Buffer.alloc(0), { seq, pairs: new Map(), publicKey: Buffer.alloc(33), id: Buffer.alloc(32, n) })

/** A table whose nodes answer at once, never, or when they are told to. */
function setUp () {
  const table = new Table(Buffer.alloc(32), () => 0)
  const clock = { ms: 0 }
  const asked: string[] = []
  const fetched: string[] = []
  const silent = new Set<string>()
  const held: Array<() => void> = []
  const state = { holds: false, enrSeq: 1n }
  const revalidation = new Revalidation({ pingIntervalMs: INTERVAL_MS }, {
    table,
    calls: {
      ping: async ({ record }) => {
        asked.push(record.nodeId)
        if (state.holds) await new Promise<void>(resolve => held.push(resolve))
        if (silent.has(record.nodeId)) throw new DhtError('Timeout', 'no answer')
        return { enrSeq: state.enrSeq, ip: '127.0.0.1', port: 1, roundTripMs: 1 } satisfies Pong
      },
      findNode: async ({ record }) => {
        fetched.push(record.nodeId)
        return []
      },
    },
    counts: new Counts(),
    now: () => clock.ms,
    random: () => 0.5, // each interval is the average
    onAnswer: () => {},
  })
  const tick = async (ms: number) => {
    clock.ms = ms
    const before = asked.length
    revalidation.tick()
    await new Promise(resolve => setImmediate(resolve))
    return asked.length - before
  }
  const add = (record: Enr, port = 1) => {
    table.add(record, { ip: '127.0.0.1', port })
    return table.get(record.nodeId)
  }
  return { table, silent, held, state, fetched, tick, add }
}

t.test('a new node is asked at once, and a third as often once it answers', async t => {
  const { tick, add } = setUp()
  const entry = add(at(1))
  t.equal(entry?.list, 'fast')
  t.equal(await tick(0), 1)
  t.equal(entry?.list, 'slow')
  t.equal(await tick(2999), 0)
  t.equal(await tick(3000), 1)
})

t.test('a node that lived long and misses once is asked often, until it answers again', async t => {
  const { table, tick, add, silent } = setUp()
  const record = at(1)
  const entry = add(record)
  if (entry === undefined) return t.fail()
  for (let i = 0; i < 20; i++) table.confirm(entry, 0)
  silent.add(record.nodeId)
  t.equal(await tick(0), 1)
  t.equal(entry.list, 'fast')
  t.equal(entry.checks, 6)
  t.equal(await tick(999), 0)
  silent.clear()
  t.equal(await tick(1000), 1)
  t.equal(entry.list, 'slow')
  t.equal(await tick(3999), 0)
  t.equal(await tick(4000), 1)
})

t.test('a node that answers no more is gone after as many misses as its credit bears', async t => {
  const { table, tick, add, silent } = setUp()
  const record = at(1)
  const entry = add(record)
  if (entry === undefined) return t.fail()
  for (let i = 0; i < 20; i++) table.confirm(entry, 0)
  silent.add(record.nodeId)
  for (let round = 0; table.size > 0; round++) {
    t.ok(round < 3, 'a third of 20, of 6, of 2')
    await tick(round * INTERVAL_MS)
  }
})

t.test('a node that moves while it is asked is asked again at its new address, and is not live before', async t => {
  const { tick, add, state, held } = setUp()
  state.holds = true
  const entry = add(at(1))
  t.equal(await tick(0), 1)
  add(at(1, 2n), 2)
  held[0]?.()
  await new Promise(resolve => setImmediate(resolve))
  t.match(entry, { checks: 0, list: 'fast', endpoint: { port: 2 } })
  t.equal(await tick(0), 1)
  held[1]?.()
  await new Promise(resolve => setImmediate(resolve))
  t.match(entry, { checks: 1, list: 'slow' })
})

t.test('who has a newer record is asked for it, and at most sixteen are asked at once', async t => {
  const { tick, add, state, fetched, held } = setUp()
  state.enrSeq = 2n
  const first = at(1)
  add(first)
  await tick(0)
  t.strictSame(fetched, [first.nodeId])
  state.holds = true
  for (let n = 2; n < 30; n++) add(at(n), n)
  t.equal(await tick(1), 16)
  t.equal(await tick(2), 0)
  held.forEach(answer => answer())
  await new Promise(resolve => setImmediate(resolve))
  t.ok(await tick(3) > 0)
  held.forEach(answer => answer())
})
