import { randomBytes } from 'node:crypto'
import t from 'tap'
import { OwnRecord, type OwnAddresses } from '../../src/discv5/enr/own-record.ts'
import { addressesAtStart, agreedBefore, agreedOn } from '../../src/discv5/own-addresses.ts'
import { curve } from './network.ts'

const [V4, V6] = [{ ip: '8.8.8.8', port: 9000 }, { ip: '2606::1', port: 9006 }]
const EVERYWHERE = [{ ip: '0.0.0.0', port: 9000 }, { ip: '::', port: 9006 }]
const recordOf = (addresses: OwnAddresses) => new OwnRecord(randomBytes(32), addresses, curve).current

t.test('a record says where its sockets are, what libp2p adds, and what the operator says instead', async t => {
  t.strictSame(addressesAtStart({ listening: [V4, V6], external: {} }, { tcp: 7 }), { ip: V4.ip, ip6: V6.ip, udp: 9000, udp6: 9006, tcp: 7 })
  t.strictSame(addressesAtStart({ listening: EVERYWHERE, external: {} }), { ip: undefined, ip6: undefined, udp: 9000, udp6: 9006 })
  t.strictSame(addressesAtStart({ listening: [V4], external: { ip: '1.1.1.1', udp: 1 } }), { ip: '1.1.1.1', ip6: undefined, udp: 1, udp6: undefined })
})

t.test('what others agreed on before is taken in a family that listens everywhere, and where the operator says nothing', async t => {
  const last = recordOf({ ip: V4.ip, udp: 30303, ip6: V6.ip, udp6: 30306 })
  t.strictSame(agreedBefore(last, { listening: EVERYWHERE, external: {} }), { ip: V4.ip, udp: 30303, ip6: V6.ip, udp6: 30306 })
  t.strictSame(agreedBefore(last, { listening: [V4, { ip: '::', port: 1 }], external: {} }), { ip6: V6.ip, udp6: 30306 })
  t.strictSame(agreedBefore(last, { listening: EVERYWHERE, external: { ip: '1.1.1.1', udp6: 6 } }), { ip6: V6.ip, udp6: 6 })
  t.strictSame(agreedBefore(recordOf({ udp: 30303 }), { listening: EVERYWHERE, external: {} }), {}, 'a record without an address says nothing')
})

t.test('an operator’s address is never changed by others, and a port of the operator’s goes with the address that they see', async t => {
  t.strictSame([agreedOn(V4, {}), agreedOn(V6, {})], [{ ip: V4.ip, udp: 9000 }, { ip6: V6.ip, udp6: 9006 }])
  t.strictSame([agreedOn(V4, { udp: 5 }), agreedOn(V6, { udp6: 6 })], [{ ip: V4.ip, udp: 5 }, { ip6: V6.ip, udp6: 6 }])
  t.strictSame([agreedOn(V4, { ip: '1.1.1.1' }), agreedOn(V6, { ip6: '2606::2' })], [{}, {}])
})
