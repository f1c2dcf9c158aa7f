import fc from 'fast-check'
import t from 'tap'
import { groupsOfAddresses, ipOfAddress, isInScope, prefixesOfAddresses, toAddressText, usableAddresses } from '../../src/kad/addresses.ts'
import { addrsOf, peerOf } from './fixtures.ts'

const PEER = peerOf('a').toString()
const usable = (scope: 'public' | 'any', ...texts: readonly string[]): string[] => usableAddresses(addrsOf(...texts), PEER, scope).map(toAddressText)

t.test('what names a host and a way to it is usable', async t => {
  const texts = [
    '/ip4/203.0.113.7/tcp/1', '/ip6/2001:db8::1/udp/1/quic-v1', '/dns4/dht.example.org/tcp/1/ws', '/dnsaddr/example.org/tcp/1',
  ]
  t.strictSame(usable('public', ...texts), texts)
})

t.test('what names no host, or no way to it, is not', async t => {
  t.strictSame(usable('any', '/tcp/1', '/ip4/203.0.113.7', '/unix/tmp%2Fsocket', `/p2p/${PEER}`, '/memory/1'), [])
})

t.test('a public overlay keeps no private address and no local name', async t => {
  const texts = [
    '/ip4/127.0.0.1/tcp/1', '/ip4/10.0.0.1/tcp/1', '/ip6/::1/tcp/1', '/ip6/::ffff:192.168.1.1/tcp/1', '/ip6/fe80::1/tcp/1',
    '/dns4/localhost/tcp/1', '/dns/printer.local/tcp/1', '/dns6/db.internal/tcp/1', '/dns4/nas.HOME.ARPA./tcp/1',
  ]
  t.strictSame(usable('public', ...texts), [])
  t.equal(usable('any', ...texts).length, texts.length)
})

t.test('a closing peer ID is cut off when it is the peer’s own, and another’s is not taken', async t => {
  t.strictSame(usable('public', `/ip4/203.0.113.7/tcp/1/p2p/${PEER}`), ['/ip4/203.0.113.7/tcp/1'])
  t.strictSame(usable('public', `/ip4/203.0.113.7/tcp/1/p2p/${peerOf('b')}`), [])
})

t.test('an address counts once, also with and without the peer ID', async t => {
  t.strictSame(usable('public', '/ip4/203.0.113.7/tcp/1', `/ip4/203.0.113.7/tcp/1/p2p/${PEER}`, '/ip4/203.0.113.7/tcp/1'), ['/ip4/203.0.113.7/tcp/1'])
})

t.test('the first sixteen are kept, in their order', async t => {
  const texts = Array.from({ length: 20 }, (_, index) => `/ip4/203.0.113.7/tcp/${index + 1}`)
  t.strictSame(usable('public', ...texts), texts.slice(0, 16))
  t.strictSame(usable('public', '/ip4/10.0.0.1/tcp/1', ...texts), texts.slice(0, 16), 'those that are not usable take no place')
})

t.test('no more than 8 KiB are kept, and no address above 512 bytes', async t => {
  const fat = Array.from({ length: 16 }, (_, index) => `/dns4/${String(index).padStart(2, '0')}${'x'.repeat(500)}/tcp/1`)
  t.equal(usable('public', ...fat).length, 16)
  t.strictSame(usable('public', `/dns4/${'x'.repeat(510)}/tcp/1`), [])
})

t.test('bytes that are no address are passed over', async t => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }), claimed => {
    const [good = new Uint8Array(0)] = addrsOf('/ip4/203.0.113.7/tcp/1')
    t.ok(usableAddresses([...claimed, good], PEER, 'public').some(addr => Buffer.compare(addr, good) === 0))
  }), { numRuns: 500 })
})

t.test('the IP of an address is found, and a name is none', async t => {
  t.equal(ipOfAddress('/ip4/203.0.113.7/tcp/1'), '203.0.113.7')
  t.equal(ipOfAddress('/ip6/2001:db8::1/tcp/1'), '2001:db8::1')
  t.equal(ipOfAddress('/dns4/example.org/tcp/1'), undefined)
})

t.test('a public overlay does not dial private addresses', async t => {
  for (const text of ['/ip4/10.0.0.1/tcp/1', '/ip6/::1/tcp/1', '/ip6/::ffff:127.0.0.1/tcp/1']) {
    t.notOk(isInScope(text, 'public'), text)
    t.ok(isInScope(text, 'any'), text)
  }
  for (const text of ['/ip4/203.0.113.7/tcp/1', '/dns4/example.org/tcp/1']) t.ok(isInScope(text, 'public'), text)
})

t.test('the groups and prefixes of a peer are told once each', async t => {
  const texts = ['/ip4/203.0.113.7/tcp/1', '/ip4/203.0.113.8/tcp/1', '/ip4/203.0.114.1/tcp/1', '/ip6/2001:db8::1/tcp/1', '/ip4/10.0.0.1/tcp/1', '/dns4/x.org/tcp/1']
  t.strictSame(groupsOfAddresses(texts), ['203.0.0.0/16', '2001:db8::/32'])
  t.strictSame(prefixesOfAddresses(texts), ['203.0.113.0/24', '203.0.114.0/24', '2001:db8:0::/48', '10.0.0.0/24'])
})
