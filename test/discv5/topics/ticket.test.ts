import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { adDigest, TICKET_BYTES, Tickets, windowOf } from '../../../src/discv5/topics/ticket.ts'

const KEY = Buffer.alloc(32, 1)
const REGISTRAR = Buffer.alloc(32, 2)
const OWNER = { advertiserId: Buffer.alloc(32, 3), adDigest: Buffer.alloc(32, 4) }
const SAID = { startedAt: 1_800_000_000_000, issuedAt: 1_800_000_001_000, waitMs: 900_000 }
const tickets = new Tickets(KEY, REGISTRAR)

t.test('a ticket gives back what it says to whom it is for', async () => {
  const time = fc.nat(2 ** 45)
  fc.assert(fc.property(time, time, fc.nat(2 ** 31), (startedAt, issuedAt, waitMs) => {
    const said = { startedAt, issuedAt, waitMs }
    const sealed = tickets.seal(said, OWNER)
    return sealed.length === TICKET_BYTES && JSON.stringify(tickets.open(sealed, OWNER)) === JSON.stringify(said)
  }))
})

t.test('a ticket of another registrar, key, advertiser or advertisement opens nothing', async t => {
  const sealed = tickets.seal(SAID, OWNER)
  t.equal(new Tickets(KEY, Buffer.alloc(32, 9)).open(sealed, OWNER), undefined)
  t.equal(new Tickets(randomBytes(32), REGISTRAR).open(sealed, OWNER), undefined)
  t.equal(tickets.open(sealed, { ...OWNER, advertiserId: Buffer.alloc(32, 9) }), undefined)
  t.equal(tickets.open(sealed, { ...OWNER, adDigest: Buffer.alloc(32, 9) }), undefined)
})

t.test('no altered ticket opens, nor any other bytes', async t => {
  const sealed = tickets.seal(SAID, OWNER)
  for (let bit = 0; bit < 8 * TICKET_BYTES; bit++) {
    const altered = Buffer.from(sealed)
    altered[bit >> 3] = (altered[bit >> 3] as number) ^ 1 << bit % 8
    t.equal(tickets.open(altered, OWNER), undefined)
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), bytes => tickets.open(bytes, OWNER) === undefined))
})

t.test('the digest differs by topic and by record', async t => {
  const [topic, record] = [Buffer.alloc(32, 1), Buffer.from('c0', 'hex')]
  t.not(adDigest(topic, record).toString('hex'), adDigest(Buffer.alloc(32, 2), record).toString('hex'))
  t.not(adDigest(topic, record).toString('hex'), adDigest(topic, Buffer.from('c101', 'hex')).toString('hex'))
})

t.test('a ticket is good from the end of its wait until the window closes, both ends included', async t => {
  const opens = SAID.issuedAt + SAID.waitMs
  t.strictSame([opens - 1, opens, opens + 50, opens + 51].map(now => windowOf(SAID, 50, now)), ['early', 'open', 'open', 'late'])
})
