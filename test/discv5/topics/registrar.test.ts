import fc from 'fast-check'
import t from 'tap'
import { TOPIC_PARAMETERS } from '../../../src/discv5/topics/parameters.ts'
import type { Registrar, Registration } from '../../../src/discv5/topics/registrar.ts'
import { advertiser, createRegistrar, persist, seeded, topicOf } from './advertisers.ts'

const { lifetimeMs: E, windowMs } = TOPIC_PARAMETERS
const NONE = Buffer.alloc(0)
const NOW = 1_800_000_000_000
const first = { topic: topicOf(1), record: advertiser(1), ip: '1.2.3.4' }

function waits (answer: Registration): Registration & { readonly outcome: 'waiting' } {
  if (answer.outcome !== 'waiting') throw new Error(`${answer.outcome} where a wait was due`)
  return answer
}

const names = (registrar: Registrar, now: number, topic = topicOf(1)): string[] => registrar.find(topic, now).map(({ record }) => record.nodeId)

t.test('the first of all waits a millisecond, is admitted with its ticket, and is found until its time is over', async t => {
  const registrar = createRegistrar()
  const { ticket, waitMs } = waits(registrar.register({ ...first, ticket: NONE }, NOW))
  t.equal(waitMs, 1)
  t.strictSame(names(registrar, NOW), [])
  t.strictSame(registrar.register({ ...first, ticket }, NOW + 1), { outcome: 'admitted', lifetimeMs: E })
  t.strictSame(names(registrar, NOW + E), [first.record.nodeId])
  t.strictSame(names(registrar, NOW + E, topicOf(2)), [], 'another topic')
  t.strictSame(names(registrar, NOW + 1 + E), [])
  t.equal(registrar.ads, 0)
})

t.test('a ticket counts only in its window; outside, and when it is no ticket of ours, the wait begins anew and the fault is said', async t => {
  const registrar = createRegistrar()
  persist(registrar, first, NOW)
  const attempt = { topic: topicOf(1), record: advertiser(2), ip: '1.2.3.5' }
  const { ticket, waitMs } = waits(registrar.register({ ...attempt, ticket: NONE }, NOW))
  t.equal(waitMs, E, 'the service is all there is, and so is the prefix')
  const other = createRegistrar({}, Buffer.alloc(32, 9))
  t.match(other.register({ ...attempt, ticket }, NOW + waitMs), { outcome: 'waiting', fault: 'invalid' })
  const faultAt = (passedMs: number, change: Partial<typeof attempt> = {}) => waits(registrar.register({ ...attempt, ...change, ticket }, NOW + passedMs)).fault
  t.equal(faultAt(waitMs - 1), 'early')
  t.equal(faultAt(waitMs + windowMs + 1), 'late')
  t.equal(faultAt(waitMs, { topic: topicOf(9) }), 'invalid')
  t.equal(faultAt(waitMs, { record: advertiser(3) }), 'invalid', 'of another advertiser')
  t.equal(faultAt(waitMs, { record: advertiser(2, 2n) }), 'invalid', 'its record has changed')
  const forged = Buffer.from(ticket)
  forged[3] = (forged[3] as number) - 1
  t.equal(waits(registrar.register({ ...attempt, ticket: forged }, NOW + waitMs)).fault, 'invalid', 'an earlier beginning')
  t.equal(faultAt(waitMs + windowMs), undefined, 'the last moment of the window')
})

t.test('what was waited counts at the next attempt, and no wait that is told is longer than the life of an ad', async t => {
  const registrar = createRegistrar()
  persist(registrar, first, NOW)
  const attempt = { topic: topicOf(1), record: advertiser(2), ip: '1.2.3.5' }
  const { last, now, asked } = persist(registrar, attempt, NOW + 2)
  t.equal(last.outcome, 'admitted')
  t.equal(asked, 3, 'the ad that was in the way ended meanwhile, and what had been told for it fell')
  t.ok(now - NOW > E && now - NOW < 1.5 * E, `${now - NOW} ms`)
})

t.test('an answer that got lost is given again, and the ticket that was taken wins no more time', async t => {
  const registrar = createRegistrar()
  const { ticket, waitMs } = waits(registrar.register({ ...first, ticket: NONE }, NOW))
  registrar.register({ ...first, ticket }, NOW + waitMs)
  t.strictSame(registrar.register({ ...first, ticket }, NOW + waitMs + 400), { outcome: 'again', lifetimeMs: E - 400 })
  t.equal(registrar.ads, 1)
  t.equal(names(registrar, NOW + waitMs + E).length, 0)
})

t.test('a renewal waits like anybody, but its own ad does not count against it, and there is one ad at all times', async t => {
  const registrar = createRegistrar()
  const { now } = persist(registrar, first, NOW)
  const renewal = persist(registrar, first, now + E / 2)
  t.match(renewal.last, { outcome: 'renewed', lifetimeMs: E })
  t.ok(renewal.now - (now + E / 2) < 10, 'alone in the cache: no crowd but itself')
  t.equal(registrar.ads, 1)
  t.strictSame(names(registrar, now + E + 1), [first.record.nodeId])
  t.equal(persist(registrar, { ...first, record: advertiser(1, 2n) }, now + E).last.outcome, 'renewed', 'a newer record takes the place of the older')
  t.equal(registrar.ads, 1)
})

t.test('asking again and again is told no less than the time that passed takes off', async () => {
  const step = fc.record({ n: fc.nat(12), service: fc.integer({ min: 1, max: 3 }), ms: fc.nat(E / 4) })
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), steps => {
    const registrar = createRegistrar({ capacity: 12 })
    const pending = new Map<number, { readonly ticket: Buffer, readonly at: number, readonly service: number }>()
    let now = NOW
    let before: number | undefined
    return steps.every(({ n, service, ms }) => {
      now += ms
      // Others come, wait and are admitted, so that the cache fills and empties.
      const ticketOf = pending.get(n)
      const asked = ticketOf?.service ?? service
      const answer = registrar.register({ topic: topicOf(asked), record: advertiser(100 + n), ip: `${n * 20}.1.1.${n}`, ticket: ticketOf !== undefined && ticketOf.at <= now ? ticketOf.ticket : NONE }, now)
      if (answer.outcome === 'waiting') pending.set(n, { ticket: answer.ticket, at: now + answer.waitMs, service: asked })
      else pending.delete(n)
      const { waitMs } = waits(registrar.register({ ...first, ticket: NONE }, now))
      const holds = before === undefined || waitMs >= before - ms - 1
      before = waitMs
      return holds && registrar.ads <= 12
    })
  }), { numRuns: 300 })
})

t.test('a flood of identities fills no more than the cache, costs no state while they wait, and one network of them does not get the most of it', async t => {
  const capacity = 200
  const registrar = createRegistrar({ capacity })
  const random = seeded(5)
  const parties = Array.from({ length: 1200 }, (_, n) => {
    const isSybil = n >= 200
    const ip = isSybil ? `66.6.${n % 4}.${n >> 2 & 255}` : `${1 + Math.floor(random() * 223)}.${Math.floor(random() * 256)}.${Math.floor(random() * 256)}.7`
    return { isSybil, topic: topicOf(isSybil ? 1 : 1 + n % 4), record: advertiser(n), ip, at: NOW + Math.floor(random() * 60_000), ticket: NONE as Buffer }
  })
  let most = 0
  let [honest, sybils, samples] = [0, 0, 0]
  const stepMs = 5_000
  for (let now = NOW; now < NOW + 4 * E; now += stepMs) {
    for (const party of parties) {
      if (party.at > now) continue
      // The window is longer than a step: nobody comes late.
      const answer = registrar.register(party, now)
      party.ticket = answer.outcome === 'waiting' ? answer.ticket : NONE
      party.at = now + (answer.outcome === 'waiting' ? answer.waitMs : answer.lifetimeMs)
    }
    most = Math.max(most, registrar.ads)
    if (now < NOW + 2 * E) continue
    for (const service of [1, 2, 3, 4]) {
      for (const { ip } of registrar.find(topicOf(service), now)) ip.startsWith('66.6.') ? sybils++ : honest++
      samples++
    }
  }
  t.ok(most <= capacity, `${most} ads`)
  t.ok(honest > 2 * sybils, `five Sybils for each honest node: ${sybils} of theirs are told, ${honest} of the others, in ${samples} answers`)
  t.ok(honest > samples, 'and honest ones are found')
})

t.test('nodes that are shut out have no ads', async t => {
  const registrar = createRegistrar()
  const { now } = persist(registrar, first, NOW)
  persist(registrar, { topic: topicOf(2), record: advertiser(2), ip: '200.1.1.1' }, now)
  registrar.removeAll(({ record }) => record.nodeId === first.record.nodeId, now)
  t.strictSame([names(registrar, now + 1), names(registrar, now + 1, topicOf(2)).length], [[], registrar.ads])
})
