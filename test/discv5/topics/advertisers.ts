import { Enr } from '../../../src/discv5/enr/record.ts'
import { TOPIC_PARAMETERS, type TopicParameters } from '../../../src/discv5/topics/parameters.ts'
import { Registrar, type Registration } from '../../../src/discv5/topics/registrar.ts'
import { Tickets } from '../../../src/discv5/topics/ticket.ts'

export const topicOf = (n: number): Buffer => Buffer.alloc(32, n)

const REACHABLE = new Map([['ip', Buffer.from([9, 9, 9, 9])], ['udp', Buffer.from([0x23, 0x28])]])

/** A record of which only its name, number and address are of use. */
export function advertiser (n: number, seq = 1n, pairs: ReadonlyMap<string, Buffer> = REACHABLE): Enr {
  const id = Buffer.alloc(32)
  id.writeUInt32BE(n, 28)
  return new Enr(Buffer.concat([id, Buffer.from([Number(seq)])]), { seq, pairs, publicKey: Buffer.alloc(33), id })
}

/** Random numbers that are the same in each run. */
export function seeded (seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

export function createRegistrar (params: Partial<TopicParameters> = {}, key = Buffer.alloc(32, 7)): Registrar {
  return new Registrar({ ...TOPIC_PARAMETERS, ...params }, { tickets: new Tickets(key, Buffer.alloc(32, 8)), random: seeded(1) })
}

/** Asks, waits as it is told, and asks again until it is admitted. The time it took, and how often it asked. */
export function persist (registrar: Registrar, attempt: { readonly topic: Uint8Array, readonly record: Enr, readonly ip: string }, from: number, attempts = 50): { readonly now: number, readonly asked: number, readonly last: Registration } {
  let now = from
  let last = registrar.register({ ...attempt, ticket: Buffer.alloc(0) }, now)
  let asked = 1
  for (; last.outcome === 'waiting' && asked < attempts; asked++) {
    now += last.waitMs
    last = registrar.register({ ...attempt, ticket: last.ticket }, now)
  }
  return { now, asked, last }
}
