import t from 'tap'
import { answerPing } from '../../../src/kad/rpc/ping.ts'
import { addrsOf, bytesOf, keyOf, peerOf, senderOf } from '../fixtures.ts'
import { requestOf } from './requests.ts'

t.test('a PING comes back without the peers that somebody put into it', async t => {
  const providers = [{ id: bytesOf(peerOf('a')), addrs: addrsOf('/ip4/203.0.113.7/tcp/1') }]
  const request = requestOf('PING', { key: keyOf('k'), clusterLevel: 2, providers, record: Uint8Array.of(1) })
  t.strictSame(answerPing(request, senderOf('a')), { type: 'PING', key: keyOf('k'), clusterLevel: 2 })
})
