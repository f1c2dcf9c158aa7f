import fc from 'fast-check'
import t from 'tap'
import { ipBytes, ipText, normalIp, subnetOf } from '../../src/discv5/ip.ts'
import { parseEndpoint } from '../../src/discv5/socket.ts'

t.test('an address has one text, as RFC 5952 has it', async t => {
  for (const [text, normal] of [
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'], ['::', '::'], ['::1', '::1'], ['1::', '1::'], ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'], ['::ffff:1.2.3.4', '1.2.3.4'], ['fe80::1%eth0', 'fe80::1'], ['1.2.3.4', '1.2.3.4'],
  ] as const) t.equal(normalIp(text), normal)
})

t.test('bytes and text are each other’s inverse', async t => {
  fc.assert(fc.property(fc.ipV6(), text => ipBytes(ipText(ipBytes(text))).equals(ipBytes(normalIp(text)))))
  fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), bytes => {
    const text = ipText(bytes)
    return text.includes('.') || ipBytes(text).equals(bytes)
  }))
  fc.assert(fc.property(fc.ipV4(), text => ipText(ipBytes(text)) === text))
  t.throws(() => ipBytes('nobody'), { message: 'nobody is not an IP address' })
})

t.test('subnets are /24 and /64', async t => {
  t.equal(subnetOf('1.2.3.4'), '1.2.3.0/24')
  t.equal(subnetOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
})

t.test('an endpoint of the settings is read in both families', async t => {
  t.strictSame(parseEndpoint('127.0.0.1:7461'), { ip: '127.0.0.1', port: 7461 })
  t.strictSame(parseEndpoint('[::1]:0'), { ip: '::1', port: 0 })
})
