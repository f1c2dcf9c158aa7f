import fc from 'fast-check'
import t from 'tap'
import { multiaddr } from '@multiformats/multiaddr'
import { dialAddresses } from '../../src/bridge/addresses.ts'

const pairs = (values: Record<string, readonly number[]>) => new Map(Object.entries(values).map(([key, value]) => [key, Uint8Array.from(value)]))
const IP = [203, 0, 113, 7]
const IP6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
const TCP = [0x1f, 0x90] // 8080
const QUIC = [0x23, 0x29] // 9001

t.test('every tcp and quic address comes out, each port with the IP of its own family', async t => {
  const all = dialAddresses(pairs({ ip: IP, tcp: TCP, quic: QUIC, ip6: IP6, tcp6: [0x1f, 0x91], quic6: [0x23, 0x2a] }), 'public')
  t.strictSame(all.addresses, [
    '/ip4/203.0.113.7/udp/9001/quic-v1', '/ip4/203.0.113.7/tcp/8080',
    '/ip6/2001:db8:0:0:0:0:0:1/udp/9002/quic-v1', '/ip6/2001:db8:0:0:0:0:0:1/tcp/8081',
  ])
  for (const address of all.addresses) t.doesNotThrow(() => multiaddr(address))
})

t.test('a port of one family is never mixed with the IP of the other', async t => {
  t.strictSame(dialAddresses(pairs({ ip: IP, tcp6: TCP, quic6: QUIC }), 'public').addresses, [])
  t.strictSame(dialAddresses(pairs({ ip6: IP6, tcp: TCP, quic: QUIC }), 'public').addresses, [])
})

t.test('udp is never dialled', async t => {
  t.strictSame(dialAddresses(pairs({ ip: IP, udp: QUIC, ip6: IP6, udp6: QUIC }), 'any').addresses, [])
})

t.test('private addresses of public sources are refused and said to be', async t => {
  for (const ip of [[10, 0, 0, 1], [127, 0, 0, 1], [192, 168, 1, 1], [169, 254, 1, 1], [100, 64, 0, 1]]) {
    t.strictSame(dialAddresses(pairs({ ip, tcp: TCP }), 'public'), { addresses: [], hadRefused: true })
    t.equal(dialAddresses(pairs({ ip, tcp: TCP }), 'any').addresses.length, 1)
  }
  const mapped = [...new Array<number>(10).fill(0), 0xff, 0xff, 10, 0, 0, 1]
  t.strictSame(dialAddresses(pairs({ ip6: mapped, tcp6: TCP }), 'public'), { addresses: [], hadRefused: true })
  t.strictSame(dialAddresses(pairs({ ip: [10, 0, 0, 1], tcp: TCP, ip6: IP6, tcp6: TCP }), 'public').addresses.length, 1)
})

t.test('addresses where no one host is are refused in any scope', async t => {
  for (const ip of [[0, 0, 0, 0], [224, 0, 0, 1], [255, 255, 255, 255]]) t.strictSame(dialAddresses(pairs({ ip, tcp: TCP }), 'any').addresses, [])
  for (const ip6 of [new Array<number>(16).fill(0), [0xff, 2, ...new Array<number>(14).fill(1)]]) t.strictSame(dialAddresses(pairs({ ip6, tcp6: TCP }), 'any').addresses, [])
})

t.test('whatever the bytes, the addresses are multiaddrs with a port, at most four', async () => {
  const keys = ['ip', 'ip6', 'tcp', 'tcp6', 'quic', 'quic6', 'udp']
  fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom(...keys), fc.uint8Array({ maxLength: 18 }))), fc.constantFrom('public' as const, 'any' as const), (entries, scope) => {
    const { addresses } = dialAddresses(new Map(entries), scope)
    return addresses.length <= 4 && addresses.every(address => multiaddr(address).getComponents().length >= 2 && !/\/(udp|tcp)\/0(\/|$)/.test(address))
  }))
})
