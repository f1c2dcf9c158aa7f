import fc from 'fast-check'
import { BlockList } from 'node:net'
import t from 'tap'
import { IpPrefixes, parsePrefix } from '../../src/policy/ip-prefixes.ts'

t.test('an address is in the prefixes that cover it', async t => {
  const prefixes = new IpPrefixes(['192.0.2.0/24', '10.1.2.3', '2001:db8::/32', '::1'])
  for (const inside of ['192.0.2.0', '192.0.2.255', '10.1.2.3', '2001:db8:ffff::1', '2001:DB8::1', '::1', '::ffff:192.0.2.7', '::ffff:c000:207']) t.ok(prefixes.has(inside), inside)
  for (const outside of ['192.0.3.0', '10.1.2.4', '2001:db9::', '::2', '', 'localhost', '192.0.2', '192.0.2.1/32']) t.notOk(prefixes.has(outside), outside)
})

t.test('the longest prefix that an address is in is told in the words it was given', async t => {
  const texts = ['0.0.0.0/0', '10.0.0.0/8', '10.1.0.0/16', '10.1.2.3/32', '::/0', '2001:db8::/32', '2001:db8:0:1::/64', '2001:db8::1/128']
  const prefixes = new IpPrefixes(texts)
  for (const [address, expected] of [
    ['192.0.2.1', '0.0.0.0/0'], ['10.2.0.1', '10.0.0.0/8'], ['10.1.9.9', '10.1.0.0/16'], ['::ffff:10.1.2.3', '10.1.2.3/32'],
    ['fe80::1', '::/0'], ['2001:db8:9::', '2001:db8::/32'], ['2001:db8:0:1:2::3', '2001:db8:0:1::/64'],
  ] as const) t.equal(prefixes.find(address), expected, address)
  t.strictSame(parsePrefix(prefixes.find('2001:db8::1') ?? ''), parsePrefix('2001:db8::1/128'))
  t.equal(new IpPrefixes(['10.0.0.0/8']).find('11.0.0.1'), undefined)
  t.equal(prefixes.find('localhost'), undefined)
})

t.test('a mapped prefix is the IPv4 prefix it means; all of IPv6 holds no IPv4', async t => {
  t.ok(new IpPrefixes(['::ffff:10.0.0.0/104']).has('10.255.0.1'))
  t.notOk(new IpPrefixes(['::/0']).has('10.0.0.1'))
  t.notOk(new IpPrefixes(['0.0.0.0/0']).has('2001:db8::1'))
  t.ok(new IpPrefixes(['0.0.0.0/0']).has('::ffff:10.0.0.1'))
})

t.test('what is not exactly a prefix is refused', async t => {
  for (const bad of ['', '/', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/08', '10.0.0.1/24', '10.0.0.0/8/8', '2001:db8::/129', '2001:db8::1/64', '::ffff:10.0.0.0/90', 'fe80::1%eth0', '010.0.0.1', 'example.org']) {
    t.throws(() => parsePrefix(bad), { code: 'BadRequest' }, bad)
  }
})

t.test('it agrees with node’s BlockList for any prefix and address', async t => {
  const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))
  fc.assert(fc.property(octets, fc.nat(32), octets, fc.nat(32), (network, length, address, sharedBits) => {
    const value = network.reduce((sum, octet) => sum * 256 + octet, 0)
    const masked = length === 0 ? 0 : Number((BigInt(value) >> BigInt(32 - length)) << BigInt(32 - length))
    const other = address.reduce((sum, octet) => sum * 256 + octet, 0)
    const near = sharedBits === 0 ? other : Number((BigInt(value) >> BigInt(32 - sharedBits)) << BigInt(32 - sharedBits)) + other % 2 ** (32 - sharedBits)
    const text = (n: number) => [24, 16, 8, 0].map(shift => Math.floor(n / 2 ** shift) % 256).join('.')
    const reference = new BlockList()
    reference.addSubnet(text(masked), length)
    return new IpPrefixes([`${text(masked)}/${length}`]).has(text(near)) === reference.check(text(near))
  }), { numRuns: 500 })
  t.pass('500 prefixes')
})

t.test('a hundred thousand prefixes are made ready and asked quickly', async t => {
  const texts = Array.from({ length: 100_000 }, (_, index) => `${1 + index % 200}.${Math.floor(index / 200) % 256}.${Math.floor(index / 51_200) * 4}.0/24`)
  const before = performance.now()
  const prefixes = new IpPrefixes(texts)
  let hits = 0
  for (let index = 0; index < 100_000; index++) if (prefixes.has(`${index % 256}.${index % 251}.0.9`)) hits++
  const elapsedMs = performance.now() - before
  t.ok(hits > 50_000, `${hits} of 100000 are inside`)
  t.ok(elapsedMs < 5000, `both took ${Math.round(elapsedMs)} ms; a scan would take minutes`)
})
