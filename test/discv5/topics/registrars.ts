import { DhtError } from '../../../src/core/errors.ts'
import { Counts } from '../../../src/discv5/counts.ts'
import { Enr } from '../../../src/discv5/enr/record.ts'
import type { Entry } from '../../../src/discv5/table/table.ts'
import { Exclusions } from '../../../src/discv5/topics/exclusions.ts'
import { ServiceTables } from '../../../src/discv5/topics/service-tables.ts'

const SPEAKS = new Map([['ng', Buffer.from([1])]])

/** A node whose first bit differs from the topic of zeros at `distance`; `n` tells it from others there. */
export function nodeAt (distance: number, n: number, pairs: ReadonlyMap<string, Buffer> = SPEAKS): Enr {
  const id = Buffer.alloc(32)
  const bit = distance - 1
  id[31 - (bit >> 3)] = 1 << bit % 8
  id.writeUInt16BE(n, 30)
  return new Enr(Buffer.from([n >> 8, n & 255, distance & 255]), { seq: 1n, pairs, publicKey: Buffer.alloc(33), id })
}

/** The parts that ask registrars share: a clock, who is known, and who does not answer. */
export function surroundings (known: readonly Enr[]) {
  const clock = { now: 1_000_000 }
  const exclusions = new Exclusions()
  const learned: string[] = []
  const entries = known.map(record => ({ record, checks: 1 }) as Entry)
  const tables = new ServiceTables({
    table: { entries: () => entries },
    exclusions,
    learn: record => {
      learned.push(record.nodeId)
      return true
    },
    now: () => clock.now,
  })
  const silent = new Set<string>()
  const asked: string[] = []
  const deps = {
    tables,
    exclusions,
    counts: new Counts(),
    now: () => clock.now,
    random: Math.random,
    target: (record: Enr) => ({ id: record.id, ip: '9.9.9.9', port: 1, record }),
  }
  const answerOf = (record: Enr): void => {
    asked.push(record.nodeId)
    if (silent.has(record.nodeId)) throw new DhtError('Timeout', 'no answer')
  }
  return { clock, entries, learned, silent, asked, answerOf, deps }
}
