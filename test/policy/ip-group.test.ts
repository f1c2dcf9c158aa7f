import fc from 'fast-check'
import t from 'tap'
import { diversityGroup, isLoopbackIp, isPrivateIp, quotaPrefix } from '../../src/policy/ip-group.ts'

const PRIVATE = [
  '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '169.254.1.1', '127.0.0.1', '0.0.0.0',
  '::1', '::', 'fe80::1', 'fe80::1%eth0', 'fd00::1', '::ffff:10.0.0.1', '::ffff:a00:1', '0:0:0:0:0:0:0:1',
]
const PUBLIC = ['8.8.8.8', '172.32.0.1', '100.128.0.1', '2001:db8::1', '::ffff:8.8.8.8', '::ffff:808:808']

t.test('private, loopback, link-local and shared addresses are told from public ones', async t => {
  for (const ip of PRIVATE) t.ok(isPrivateIp(ip), ip)
  for (const ip of [...PUBLIC, '', 'example.org', '10.1.2', '10.1.2.3.4']) t.notOk(isPrivateIp(ip), ip)
})

t.test('loopback is told in every spelling', async t => {
  for (const ip of ['127.0.0.1', '127.9.9.9', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::ffff:7f00:1']) t.ok(isLoopbackIp(ip), ip)
  for (const ip of ['126.0.0.1', '::2', '10.0.0.1', 'localhost', '127.x']) t.notOk(isLoopbackIp(ip), ip)
})

t.test('peers in the routing table group by /16, by the /8 of a former class A, and by /32 of IPv6', async t => {
  t.equal(diversityGroup('203.0.113.7'), '203.0.0.0/16')
  t.equal(diversityGroup('17.253.1.1'), '17.0.0.0/8')
  t.equal(diversityGroup('2001:0db8:aaaa::1'), '2001:db8::/32')
  t.equal(diversityGroup('2001::1'), '2001:0::/32')
})

t.test('private addresses and what is no IP form no group', async t => {
  for (const ip of [...PRIVATE, '', 'example.org']) t.equal(diversityGroup(ip), undefined, ip)
})

t.test('a quota is shared by a /24, or a /48 of IPv6', async t => {
  t.equal(quotaPrefix('203.0.113.7'), '203.0.113.0/24')
  t.equal(quotaPrefix('192.168.7.9'), '192.168.7.0/24')
  t.equal(quotaPrefix('2001:db8:1:2:3:4:5:6'), '2001:db8:1::/48')
  t.equal(quotaPrefix('2001:db8::1'), '2001:db8:0::/48')
  t.equal(quotaPrefix('fe80::1%eth0'), 'fe80:0:0::/48')
})

t.test('loopback shares no quota', async t => {
  for (const ip of ['127.0.0.1', '::1', '::ffff:7f00:1', '', 'example.org']) t.equal(quotaPrefix(ip), undefined, ip)
})

t.test('an IPv4 address counts as that however it is mapped into IPv6', async t => {
  for (const ip of ['::ffff:8.8.4.4', '::FFFF:808:404', '0:0:0:0:0:ffff:8.8.4.4']) {
    t.equal(quotaPrefix(ip), '8.8.4.0/24', ip)
    t.equal(diversityGroup(ip), '8.8.0.0/16', ip)
  }
})

t.test('every spelling of an IPv6 address is in one group', async t => {
  fc.assert(fc.property(fc.ipV6(), ip => {
    const canonical = new URL(`http://[${ip}]`).hostname.slice(1, -1)
    t.equal(quotaPrefix(canonical), quotaPrefix(ip), ip)
    t.equal(diversityGroup(canonical), diversityGroup(ip), ip)
  }), { numRuns: 500 })
})

t.test('no text makes any of this throw, and no group holds what is no number', async t => {
  const ipLike = fc.oneof(fc.string(), fc.ipV4(), fc.ipV4Extended(), fc.ipV6(), fc.stringMatching(/^[0-9a-f:.%]{0,45}$/))
  fc.assert(fc.property(ipLike, text => {
    isPrivateIp(text)
    isLoopbackIp(text)
    t.notMatch(`${quotaPrefix(text)} ${diversityGroup(text)}`, 'NaN')
  }), { numRuns: 2000 })
})
