import t from 'tap'
import { AddressVotes } from '../../src/discv5/address-votes.ts'

const OPTIONS = { quorum: 10, windowMs: 300_000 }
const SEEN = { ip: '9.9.9.9', port: 9000 }

function votesOf (count: number, seen = SEEN, votes = new AddressVotes(OPTIONS), from = 0, now = 0): AddressVotes {
  for (let i = 0; i < count; i++) votes.vote(`8.${from}.${i}.1`, seen, now)
  return votes
}

t.test('ten voters of ten subnets decide, nine do not', async t => {
  t.equal(votesOf(9).winner(4, 0), undefined)
  t.strictSame(votesOf(10).winner(4, 0), SEEN)
})

t.test('a subnet has one vote: a host with many identities moves nothing', async t => {
  const votes = new AddressVotes(OPTIONS)
  for (let i = 0; i < 250; i++) votes.vote(`8.8.8.${i}`, SEEN, 0)
  for (let i = 0; i < 250; i++) votes.vote(`2001:4860::${i.toString(16)}`, { ip: '2001:4860:1::1', port: 1 }, 0)
  t.equal(votes.winner(4, 0), undefined)
  t.equal(votes.winner(6, 0), undefined)
})

t.test('one customer of IPv6, with the 65,536 networks of a /48, has one vote', async t => {
  const votes = new AddressVotes(OPTIONS)
  for (let i = 0; i < 250; i++) votes.vote(`2001:470:1:${i.toString(16)}::1`, { ip: '2001:4860:1::1', port: 1 }, 0)
  t.equal(votes.winner(6, 0), undefined)
})

t.test('nobody sees us in the other family, nor where no host can be', async t => {
  const votes = new AddressVotes(OPTIONS)
  for (let i = 0; i < 20; i++) votes.vote(`2001:${i.toString(16)}::1`, SEEN, 0)
  for (const ip of ['224.0.0.1', '240.1.1.1', '203.0.113.7']) for (let i = 0; i < 20; i++) votes.vote(`8.7.${i}.1`, { ip, port: 9 }, 0)
  t.equal(votes.winner(4, 0), undefined)
  for (let i = 0; i < 20; i++) votes.vote(`8.6.${i}.1`, { ip: '2a00::1', port: 9 }, 0)
  t.equal(votes.winner(6, 0), undefined)
})

t.test('the winner must lead by 30 percent', async t => {
  const other = { ip: '9.9.9.8', port: 9000 }
  t.equal(votesOf(12, other, votesOf(10), 1).winner(4, 0), undefined)
  t.strictSame(votesOf(13, other, votesOf(10), 1).winner(4, 0), other)
})

t.test('a vote lapses after its window', async t => {
  const votes = votesOf(10)
  t.strictSame(votes.winner(4, 300_000), SEEN)
  t.equal(votes.winner(4, 300_001), undefined)
})

t.test('the families do not disturb each other', async t => {
  const votes = votesOf(10)
  const v6 = { ip: '2a00::1', port: 9001 }
  for (let i = 0; i < 40; i++) votes.vote(`2001:4860:${i.toString(16)}::1`, v6, 0)
  t.strictSame(votes.winner(4, 0), SEEN)
  t.strictSame(votes.winner(6, 0), v6)
})

t.test('what a neighbour sees says nothing to the public, and the other way round', async t => {
  const votes = new AddressVotes(OPTIONS)
  for (let i = 0; i < 50; i++) votes.vote(`192.168.1.${i}`, SEEN, 0)
  for (let i = 0; i < 50; i++) votes.vote(`8.9.${i}.1`, { ip: '10.0.0.1', port: 9 }, 0)
  t.equal(votes.winner(4, 0), undefined)
  for (let i = 0; i < 50; i++) votes.vote(`192.168.1.${i}`, { ip: '192.168.1.77', port: 9 }, 0)
  t.strictSame(votes.winner(4, 0), { ip: '192.168.1.77', port: 9 })
})

t.test('the votes kept are bounded', async t => {
  const votes = new AddressVotes(OPTIONS)
  for (let i = 0; i < 20; i++) votes.vote(`7.7.${i}.1`, { ip: '9.1.1.1', port: 1 }, 0)
  for (let i = 0; i < 600; i++) votes.vote(`8.${i >> 8}.${i & 255}.1`, SEEN, 0)
  t.strictSame(votes.winner(4, 0), SEEN)
})
