import { createLibp2p } from 'libp2p'
import { noise } from '@chainsafe/libp2p-noise'
import { multiaddr } from '@multiformats/multiaddr'
import { tcp } from '@libp2p/tcp'
import t, { type Test } from 'tap'
import { startTestDaemon, until } from '../daemon.ts'
import { thriftyYamux } from '../../src/kad/transport/thrifty-yamux.ts'

async function startPeer (t: Test) {
  const peer = await createLibp2p({ addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [thriftyYamux()] })
  t.teardown(() => peer.stop())
  return peer
}

t.test('a denied peer gets no connection to us, and everybody else does', async t => {
  const [denied, other] = [await startPeer(t), await startPeer(t)]
  const daemon = await startTestDaemon(t, { flags: { 'policy.denyPeers': denied.peerId.toString() } })
  const address = multiaddr(daemon.addresses()[0] ?? '')
  await other.dial(address)
  // Its own handshake may end before ours refuses: what it gets is a connection that is closed on it.
  const gone = await denied.dial(address).then(async connection => {
    const stream = await connection.newStream('/ron/kad/1.0.0').catch(() => undefined)
    return stream === undefined || connection.status !== 'open'
  }, () => true)
  t.ok(gone)
  t.equal(await daemon.metric('rejected_total{reason="policy_peer"}'), 1)
  t.equal(await daemon.metric('rejected_total{reason="policy_ip"}'), 0)
})

t.test('a denied address is refused before its handshake', async t => {
  const daemon = await startTestDaemon(t, { flags: { 'policy.denyPrefixes': '127.0.0.0/8' } })
  const peer = await startPeer(t)
  await t.rejects(peer.dial(multiaddr(daemon.addresses()[0] ?? '')))
  t.equal(await daemon.metric('rejected_total{reason="policy_ip"}'), 1)
})

t.test('we do not dial a denied peer, by ID or by address', async t => {
  const peer = await startPeer(t)
  let asked = 0
  peer.addEventListener('connection:open', () => { asked++ })
  for (const flags of [{ 'policy.denyPeers': peer.peerId.toString() }, { 'policy.denyPrefixes': '127.0.0.0/8' }]) {
    const daemon = await startTestDaemon(t, { flags: { ...flags, 'kad.bootstrap': peer.getMultiaddrs().map(String).join(',') } })
    await until(() => daemon.logs.some(({ msg }) => msg === 'bootstrap peer did not answer'), 'it was to be dialled')
    t.match(JSON.stringify(daemon.readiness().reasons), 'bootstrap')
  }
  t.equal(asked, 0)
  const open = await startTestDaemon(t, { flags: { 'kad.bootstrap': peer.getMultiaddrs().map(String).join(',') } })
  await until(() => asked > 0, 'without the rule the daemon dials it')
  t.ok(open.peerId)
})
