import type { PongResponse } from '@chainsafe/discv5'
import t from 'tap'
import { toEndpoint } from '../../../src/discv5/chainsafe/convert.ts'
import { ipBytes } from '../../../src/discv5/ip.ts'

t.test('where others see us is spelled as everywhere else', async t => {
  const seenAt = (ip: string) => toEndpoint({ addr: { ip: { octets: ipBytes(ip) }, port: 9000 } } as unknown as PongResponse)
  t.strictSame(seenAt('192.0.2.1'), { ip: '192.0.2.1', port: 9000 })
  t.strictSame(seenAt('2001:db8:0:0:0:0:0:1'), { ip: '2001:db8::1', port: 9000 })
  t.strictSame(seenAt('::ffff:192.0.2.1'), { ip: '192.0.2.1', port: 9000 })
})
