import t from 'tap'
import { AddressBook } from '../../../src/kad/routing/address-book.ts'
import { addrsOf, HOUR_MS, TestClock } from '../fixtures.ts'

const ADDRS = addrsOf('/ip4/203.0.113.7/tcp/1')

function setUp (limit = 3) {
  const clock = new TestClock()
  return { clock, book: new AddressBook({ limit, validityMs: HOUR_MS }, { now: clock.now }) }
}

t.test('what a peer said of itself is told for the validity', async t => {
  const { book, clock } = setUp()
  book.set('a', ADDRS)
  t.equal(book.get('a'), ADDRS)
  t.equal(book.get('b'), undefined)
  clock.advance(HOUR_MS - 1)
  t.equal(book.get('a'), ADDRS)
  clock.advance(1)
  t.equal(book.get('a'), undefined)
})

t.test('the peer heard of longest ago makes room', async t => {
  const { book } = setUp()
  for (const peer of ['a', 'b', 'c', 'a', 'd']) book.set(peer, ADDRS)
  t.strictSame(['a', 'b', 'c', 'd'].filter(peer => book.get(peer) !== undefined), ['a', 'c', 'd'])
})

t.test('who says it has no address is forgotten', async t => {
  const { book } = setUp()
  book.set('a', ADDRS)
  book.set('a', [])
  t.equal(book.get('a'), undefined)
})

t.test('removed peers are not told any more', async t => {
  const clock = new TestClock()
  const book = new AddressBook({ limit: 10, validityMs: 1000 }, { now: clock.now })
  for (const name of ['a', 'b']) book.set(name, addrsOf('/ip4/203.0.113.7/tcp/1'))
  book.removeAll({ has: name => name === 'a', hasBytes: () => false })
  t.equal(book.get('a'), undefined)
  t.ok(book.get('b'))
})
