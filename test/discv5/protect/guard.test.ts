import t from 'tap'
import { Counts } from '../../../src/discv5/counts.ts'
import { BanList } from '../../../src/discv5/protect/bans.ts'
import { Guard, type GuardLimits } from '../../../src/discv5/protect/guard.ts'
import { only } from '../../patterns.ts'
import { LIMITS } from '../network.ts'

function guardWith (limits: Partial<GuardLimits> = {}) {
  const counts = new Counts()
  const bans = new BanList()
  return { counts, bans, guard: new Guard({ ...LIMITS, ...limits }, bans, counts) }
}

const times = (n: number, f: (i: number) => boolean): number => Array.from({ length: n }, (_, i) => f(i)).filter(Boolean).length

t.test('one IP gets four seconds of its rate at once, then its rate; its neighbours are not touched', async t => {
  const { guard, counts } = guardWith({ packetsPerIpPerSecond: 10 })
  t.equal(times(100, () => guard.admit('8.8.8.8', 0)), 40)
  t.equal(counts.drops.limit_ip, 60)
  t.equal(times(100, () => guard.admit('8.8.8.8', 1000)), 10)
  t.equal(times(10, () => guard.admit('8.8.9.8', 1000)), 10)
})

t.test('a /24 and a /64 share a limit', async t => {
  const { guard, counts } = guardWith({ packetsPerSubnetPerSecond: 10 })
  t.equal(times(100, i => guard.admit(`8.8.8.${i}`, 0)), 40)
  t.equal(times(100, i => guard.admit(`2001:4860::${i.toString(16)}`, 0)), 40)
  t.equal(counts.drops.limit_subnet, 120)
})

t.test('all sources share a limit, and one that is over its own does not use it up', async t => {
  const { guard, counts } = guardWith({ packetsPerSecond: 25, packetsPerIpPerSecond: 1 })
  times(1000, () => guard.admit('8.8.8.8', 0))
  t.equal(times(200, i => guard.admit(`9.9.${i}.1`, 0)), 96)
  t.equal(counts.drops.limit_total, 104)
})

t.test('loopback is exempt from limits by source, not from the total one', async t => {
  const { guard } = guardWith({ packetsPerSecond: 100, packetsPerIpPerSecond: 1, whoareyouPerIpPerSecond: 1 })
  t.equal(times(1000, () => guard.admit('127.0.0.5', 0)), 400)
  t.equal(times(100, () => guard.mayChallenge('::1', false, 0)), 100)
})

t.test('a public IP whose nodes do not stop is shut out for a time; a private one is only slowed down', async t => {
  const { guard, bans, counts } = guardWith({ packetsPerNodePerSecond: 1, banAfter: 50, banMs: 10_000 })
  times(100, () => guard.admitNode('n', '8.8.8.8', 0))
  t.match(bans.list(0), only({ subject: '8.8.8.8', kind: 'ip', until: 10_000 }))
  t.equal(counts.events.auto_ban, 1)
  t.notOk(guard.admit('8.8.8.8', 9_999))
  t.ok(counts.drops.banned > 0)
  t.ok(guard.admit('8.8.8.8', 10_001))
  times(1000, () => guard.admitNode('m', '192.168.1.5', 0))
  t.equal(bans.list(0).some(({ subject }) => subject === '192.168.1.5'), false)
})

t.test('packets that anybody may have forged shut nobody out, however many they are', async t => {
  const { guard, bans, counts } = guardWith({ packetsPerIpPerSecond: 1, banAfter: 50 })
  times(5000, () => guard.admit('8.8.8.8', 0))
  t.equal(counts.drops.limit_ip, 4996)
  t.strictSame(bans.list(0), [])
})

t.test('an answer that is awaited comes through a flood in the name of its sender, and is limited for itself', async t => {
  const { guard } = guardWith({ packetsPerIpPerSecond: 1, packetsPerSubnetPerSecond: 10 })
  for (let i = 1; i < 255; i++) times(10, () => guard.admit(`8.8.8.${i}`, 0))
  t.notOk(guard.admit('8.8.8.8', 0))
  t.equal(times(100, () => guard.admit('8.8.8.8', 0, '8.8.8.8|9000')), 40)
  t.ok(guard.admit('8.8.8.9', 0, '8.8.8.9|9000'))
})

t.test('a forged source gets few WHOAREYOU: nobody is hit through us', async t => {
  const { guard, counts } = guardWith({ whoareyouPerIpPerSecond: 5 })
  t.equal(times(1000, () => guard.mayChallenge('8.8.8.8', false, 0)), 20)
  t.equal(counts.drops.limit_whoareyou, 980)
})

t.test('a flood of strangers from as many sources as there are gets no more WHOAREYOU than could lead to handshakes, and known nodes still do', async t => {
  const { guard, counts } = guardWith({ handshakesPerSecond: 10 })
  const flood = (now: number): number => times(10_000, i => guard.mayChallenge(`9.${i >> 8}.${i & 255}.1`, false, now))
  t.equal(flood(0), 151)
  t.equal(counts.drops.limit_whoareyou, 9849)
  t.ok(guard.mayChallenge('8.8.8.8', true, 0))
  t.ok(flood(1000) <= 41)
  t.equal(times(100, () => guard.mayChallenge('127.0.0.1', false, 1000)), 100)
})

t.test('when strangers used up the handshakes, nodes we know still get in', async t => {
  const { guard, counts } = guardWith({ handshakesPerSecond: 8 })
  const strangers = times(100, () => guard.mayShakeHands(false, 0))
  t.equal(strangers, 31)
  t.ok(guard.mayShakeHands(true, 0))
  t.notOk(guard.mayShakeHands(false, 0))
  t.ok(counts.drops.limit_handshake > 60)
})

t.test('an IP has at most ten node IDs in an hour; those it has stay, and a private network is exempt', async t => {
  const { guard, counts } = guardWith()
  t.equal(times(30, i => guard.mayJoin(`node${i}`, '8.8.8.8')), 10)
  t.ok(guard.mayJoin('node3', '8.8.8.8'))
  t.equal(counts.drops.limit_ids, 20)
  t.equal(times(30, i => guard.mayJoin(`node${i}`, '10.0.0.1')), 30)
  t.equal(times(30, i => guard.mayJoin(`node${i}`, `2a00:1::${i}`)), 10, 'a host of IPv6 has a /64')
  guard.forgetIds()
  t.ok(guard.mayJoin('node29', '8.8.8.8'))
})

t.test('a node is limited wherever it comes from', async t => {
  const { guard } = guardWith({ packetsPerNodePerSecond: 5 })
  t.equal(times(100, i => guard.admitNode('n', `8.8.${i}.1`, 0)), 20)
})

t.test('the IPs remembered are bounded: the first is forgotten, and starts anew', async t => {
  const { guard } = guardWith({ nodeIdsPerIp: 1 })
  t.ok(guard.mayJoin('a', '8.8.8.8'))
  t.notOk(guard.mayJoin('b', '8.8.8.8'))
  for (let i = 0; i < 9000; i++) guard.mayJoin('a', `9.${i >> 8}.${i & 255}.1`)
  t.ok(guard.mayJoin('b', '8.8.8.8'))
})

t.test('a ban is of an IP, a prefix or a node, in any spelling; anything else is refused', async t => {
  const bans = new BanList()
  bans.add('2001:0db8:0::0001', 1000, 'r', 0)
  bans.add('10.1.2.99/24', 1000, 'r', 0)
  bans.add('AB'.repeat(32), 1000, 'r', 0)
  t.strictSame(bans.list(0).map(({ subject, kind }) => [kind, subject]), [['ip', '2001:db8::1'], ['prefix', '10.1.2.0/24'], ['node', 'ab'.repeat(32)]])
  t.ok(bans.hasIp('10.1.2.3', 0) && bans.hasIp('2001:db8::1', 0) && bans.hasNode('ab'.repeat(32), 0))
  t.notOk(bans.hasIp('10.1.3.3', 0))
  t.notOk(bans.hasIp('10.1.2.3', 1000))
  for (const subject of ['', 'x', '10.0.0.0/8', '10.0.0.0/64', '1.2.3', '::/24', 'zz'.repeat(32)]) {
    t.throws(() => bans.add(subject, 1, '', 0), { code: 'BadRequest' } as unknown as Error)
  }
})

t.test('both lists of bans are bounded: of operators no more are taken, of the protections the oldest ends early, and what is over makes room', async t => {
  const bans = new BanList()
  const ip = (i: number): string => `11.${i >> 8}.${i & 255}.1`
  for (let i = 0; i < 10_000; i++) bans.add(ip(i), 1000, '', 2000)
  t.throws(() => bans.add('12.0.0.1', 1000, '', 2000), { code: 'Backpressure' } as unknown as Error)
  bans.add(ip(0), 5000, 'for longer', 2000)
  t.equal(times(11_000, i => bans.addAutomatic(`12.${i >> 8}.${i & 255}.1`, 1000, '', 2000)), 1000)
  t.notOk(bans.hasIp('12.0.0.1', 2000))
  t.ok(bans.hasIp('12.42.0.1', 2000))
  t.equal(bans.lasting(2000).length, 10_000, 'no flood pushes out what an operator banned')
  t.equal(bans.list(2000).length, 20_000)
  t.notOk(bans.addAutomatic('13.0.0.1', 1000, '', 3000))
  bans.add('13.0.0.2', 1000, '', 3000)
  t.equal(bans.list(3000).length, 3)
})

t.test('limits that change hold at once, those that do not go on, and bans stay', async t => {
  const { guard, bans } = guardWith({ packetsPerIpPerSecond: 10, packetsPerNodePerSecond: 5, nodeIdsPerIp: 1 })
  bans.add('9.9.9.9', 60_000, 'by the operator', 0)
  times(100, () => guard.admit('8.8.8.8', 0))
  times(100, () => guard.admitNode('aa', '8.8.8.8', 0))
  guard.apply({ ...LIMITS, packetsPerIpPerSecond: 2, packetsPerNodePerSecond: 5, nodeIdsPerIp: 2 })
  t.equal(times(100, () => guard.admit('8.8.8.8', 0)), 8)
  t.equal(times(100, () => guard.admitNode('aa', '8.8.8.8', 0)), 0, 'its reserve is still used up')
  t.equal(times(3, i => guard.mayJoin(`${i}`, '8.8.8.8')), 2)
  t.notOk(guard.admit('9.9.9.9', 0))
})
