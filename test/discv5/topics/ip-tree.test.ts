import fc from 'fast-check'
import t from 'tap'
import { ipBytes } from '../../../src/discv5/ip.ts'
import { IpSimilarity } from '../../../src/discv5/topics/ip-similarity.ts'
import { IpTree } from '../../../src/discv5/topics/ip-tree.ts'
import { boundLifeMs } from '../../../src/discv5/topics/waiting-time.ts'

const E = 60_000
const create = (bits = 32) => new IpTree({ bits, lifetimeMs: E })
const ip = (text: string) => ipBytes(text)
const anyIp = fc.uint8Array({ minLength: 4, maxLength: 4 })

t.test('an empty tree finds nobody similar; one address finds itself wholly similar and its opposite not at all', async t => {
  const tree = create()
  t.equal(tree.score(ip('1.2.3.4')), 0)
  tree.add(ip('1.2.3.4'), 0)
  t.equal(tree.score(ip('1.2.3.4')), 1)
  t.equal(tree.score(ip('129.2.3.4')), 0)
  t.equal(tree.score(ip('1.2.3.5')), 31 / 32)
})

t.test('a prefix that holds more than its share makes its neighbours similar, the more so the closer', async t => {
  const tree = create()
  for (let i = 0; i < 256; i++) tree.add(Buffer.from([i, i * 7 % 256, i * 13 % 256, 1]), 0)
  for (let i = 0; i < 200; i++) tree.add(ip(`9.8.7.${i}`), 0)
  const [same, near, far] = ['9.8.7.250', '9.8.0.1', '200.1.2.3'].map(text => tree.score(ip(text))) as [number, number, number]
  t.ok(same > near && near > far, `${same} ${near} ${far}`)
  t.ok(same > 0.7 && far < 0.3)
})

t.test('every score is between 0 and 1, and what was added and removed leaves no trace once its bounds are over', async () => {
  fc.assert(fc.property(fc.array(anyIp, { maxLength: 60 }), anyIp, fc.nat(E), (ips, other, waitMs) => {
    const tree = create()
    for (const address of ips) tree.add(address, 0)
    const score = tree.score(other)
    tree.bounded(other, waitMs, 0)
    for (const address of ips) tree.remove(address, 10)
    tree.prune(10 + boundLifeMs(E))
    return score >= 0 && score <= 1 && tree.size === 1 && tree.score(other) === 0
  }))
})

t.test('an address that is not to count is as if it were absent', async () => {
  fc.assert(fc.property(fc.array(anyIp, { maxLength: 30 }), anyIp, anyIp, (ips, own, asked) => {
    const [without, counted] = [create(), create()]
    for (const address of ips) for (const tree of [without, counted]) tree.add(address, 0)
    counted.add(own, 0)
    return counted.score(asked, own) === without.score(asked)
  }))
})

t.test('whatever comes and goes, an address is told to wait no less than before but for a third of the time', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), address: anyIp, ms: fc.nat(E) }),
    fc.record({ kind: fc.constant('remove' as const), address: anyIp, ms: fc.nat(2 * E) }),
    fc.record({ kind: fc.constant('other' as const), address: anyIp, ms: fc.nat(E) }),
  )
  // Few bits, so that addresses share prefixes often.
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), anyIp, fc.nat(E), (steps, own, waitMs) => {
    const tree = create(6)
    const held: Uint8Array[] = []
    let now = 0
    let before = tree.bounded(own, waitMs, now)
    return steps.every(({ kind, address, ms }) => {
      now += ms
      tree.prune(now)
      if (kind === 'add') {
        tree.add(address, now)
        held.push(address)
      } else if (kind === 'remove') {
        const first = held.shift()
        if (first !== undefined) tree.remove(first, now)
      } else {
        tree.bounded(address, ms, now)
      }
      const next = tree.bounded(own, 0, now)
      const holds = next >= before - ms / 3 - 1e-6
      before = next
      return holds
    })
  }), { numRuns: 500 })
})

t.test('asking makes no prefix, so that waiting costs no memory', async t => {
  const tree = create()
  for (let i = 0; i < 1000; i++) tree.bounded(Buffer.from([i % 256, i >> 8, 1, 1]), E, 0)
  t.equal(tree.size, 1)
})

t.test('both families have their trees; of IPv6 the /64 counts; private addresses are never similar', async t => {
  const similarity = new IpSimilarity(E)
  similarity.add('2001:470:1:2::1', 0)
  t.equal(similarity.score('2001:470:1:2:ffff::9'), 1)
  t.ok(similarity.score('2001:470:1:3::1') < 1)
  t.equal(similarity.score('32.1.4.112'), 0, 'the IPv4 tree is empty')
  similarity.add('192.168.0.1', 0)
  t.equal(similarity.score('192.168.0.1'), 0)
  t.equal(similarity.bounded('10.0.0.1', 5, 0), 5)
  t.equal(similarity.score('2001:470:1:2::1', '2001:470:1:2::1'), 0, 'its own ad does not count')
  t.equal(similarity.score('2001:470:1:2::1', '1.2.3.4'), 1, 'one of the other family changes nothing')
})
