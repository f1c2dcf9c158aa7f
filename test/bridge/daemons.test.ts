import t, { type Test } from 'tap'
import { decodeRecordText } from '../../src/discv5/enr/record.ts'
import { loadSecp256k1 } from '../../src/discv5/secp256k1.ts'
import { announce } from '../admin.ts'
import { startTestDaemon, until, type TestDaemon } from '../daemon.ts'
import { only } from '../patterns.ts'

t.setTimeout(90_000)

const KEY = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'
const FLAGS = { 'discv5.pingInterval': '200ms', 'bridge.retryAfter': '500ms' }

async function start (t: Test, flags: Readonly<Record<string, string>> = {}): Promise<TestDaemon> {
  return await startTestDaemon(t, { flags: { ...FLAGS, ...flags } })
}

t.test('daemons that know each other only by a node record find each other, are ready, and find what one of them provides', async t => {
  const seed = await start(t)
  const bootnodes = { 'discv5.bootnodes': seed.enr() ?? '' }
  const others = [await start(t, bootnodes), await start(t, bootnodes)]
  const all = [seed, ...others]
  await until(() => all.every(daemon => daemon.readiness().ready), 'all are ready')
  await until(async () => (await Promise.all(all.map(async daemon => await daemon.metric('svc_dht_kad_routing_table_peers')))).every(peers => peers === 2), 'each has the two others in its table')

  const [provider, asker] = others as [TestDaemon, TestDaemon]
  await announce(provider.adminSocket, KEY)
  const response = await fetch(`${asker.publicUrl}/routing/v1/providers/${KEY}`)
  t.match(await response.json(), { Providers: only({ ID: provider.peerId }) })
})

t.test('the record of a daemon tells the port of each transport on which libp2p listens', async t => {
  const daemon = await start(t, { 'kad.listen': '/ip4/127.0.0.1/tcp/0,/ip4/127.0.0.1/udp/0/quic-v1' })
  const record = decodeRecordText(daemon.enr() ?? '', loadSecp256k1())
  for (const [key, form] of [['tcp', /\/tcp\/(\d+)/], ['quic', /\/udp\/(\d+)\/quic-v1/]] as const) {
    const port = daemon.addresses().map(address => form.exec(address)?.[1]).find(found => found !== undefined)
    t.equal(String(record.port(key)), port ?? '0', key)
  }
})

t.test('on a public overlay a node with a private address is not dialled, and counted', async t => {
  const stranger = await start(t)
  const daemon = await start(t, { 'discv5.bootnodes': stranger.enr() ?? '', 'kad.addresses': 'public' })
  await until(async () => await daemon.metric('svc_dht_bridge_dropped_total{reason="private_address"}') >= 1, 'the record was refused')
  t.equal(await daemon.metric('svc_dht_bridge_dials_total{outcome="failed"}'), 0)
  t.equal(await daemon.metric('svc_dht_bridge_dials_total{outcome="joined"}'), 0)
  t.equal(daemon.readiness().reasons.some(({ condition }) => condition === 'bootstrap'), true)
})

t.test('who does not hold a predicate is not dialled, nor is anybody without the bridge', async t => {
  const stranger = await start(t, { 'bridge.enabled': 'false' })
  const picky = await start(t, { 'discv5.bootnodes': stranger.enr() ?? '', 'bridge.predicates': 'eth2' })
  await until(async () => await picky.metric('svc_dht_bridge_dropped_total{reason="predicate"}') >= 1, 'the record was refused')
  await until(async () => await stranger.metric('svc_dht_discv5_table_nodes{state="live"}') === 1, 'discv5 knows it')
  t.equal(await stranger.metric('svc_dht_bridge_records_total'), 0)
})

t.test('a daemon of another overlay is let go again', async t => {
  const stranger = await start(t, { 'kad.protocol': '/other/kad/1.0.0' })
  const daemon = await start(t, { 'discv5.bootnodes': stranger.enr() ?? '' })
  await until(async () => await daemon.metric('svc_dht_bridge_dials_total{outcome="foreign"}') >= 1, 'it was dialled')
  t.equal(daemon.readiness().ready, false)
  t.equal(await daemon.metric('svc_dht_kad_routing_table_peers'), 0)
})
