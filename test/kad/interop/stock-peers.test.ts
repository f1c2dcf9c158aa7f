import { generateKeyPair } from '@libp2p/crypto/keys'
import { createIPNSRecord, marshalIPNSRecord, multihashToIPNSRoutingKey } from 'ipns'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { sha256 } from 'multiformats/hashes/sha2'
import t from 'tap'
import type { RecordsBody } from '../../../src/http/admin/wire.ts'
import { encodePeer, encodeReply } from '../../../src/kad/rpc/message.ts'
import { announce, askAdmin } from '../../admin.ts'
import { startTestDaemon, startTestOverlay, until } from '../../daemon.ts'
import { only } from '../../patterns.ts'
import { openRawStream, startBareHost, startStockPeer, tableSize, type StockPeer } from './stock-peer.ts'

async function cidOf (text: string): Promise<CID> {
  return CID.createV1(raw.code, await sha256.digest(Buffer.from(text)))
}

async function providersSeenBy (peer: StockPeer, cid: CID): Promise<Map<string, string[]>> {
  const seen = new Map<string, string[]>()
  for await (const { id, multiaddrs } of peer.contentRouting.findProviders(cid, { signal: AbortSignal.timeout(10_000) })) {
    seen.set(id.toString(), multiaddrs.map(String))
  }
  return seen
}

async function askDaemon (url: string): Promise<Array<{ ID: string, Addrs: string[] }>> {
  const body = await (await fetch(url)).json() as { Providers?: Array<{ ID: string, Addrs: string[] }>, Peers?: Array<{ ID: string, Addrs: string[] }> }
  return body.Providers ?? body.Peers ?? []
}

t.test('what a stock client provides through the daemon, others find with its addresses', async t => {
  const daemon = await startTestDaemon(t)
  const provider = await startStockPeer(t, daemon)
  const seeker = await startStockPeer(t, daemon)
  const cid = await cidOf('provided by a stock client')

  await provider.contentRouting.provide(cid)
  await until(async () => await daemon.metric('svc_dht_provider_upserts_total{result="created"}') === 1, 'the daemon holds the record')

  const expected = provider.getMultiaddrs().map(address => address.toString().replace(/\/p2p\/.*/, ''))
  t.strictSame((await providersSeenBy(seeker, cid)).get(provider.peerId.toString()), expected, 'over libp2p')
  const found = await askDaemon(`${daemon.publicUrl}/routing/v1/providers/${cid}`)
  t.match(found, only({ ID: provider.peerId.toString(), Addrs: only(...expected) }), 'and over HTTP')
})

t.test('what the daemon’s operator provides, a stock client finds', async t => {
  const [daemon, other] = await startTestOverlay(t, 2)
  if (daemon === undefined || other === undefined) throw new Error('unreachable')
  const seeker = await startStockPeer(t, other)
  const cid = await cidOf('provided by an operator')
  await announce(daemon.adminSocket, cid.toString())
  const seen = await providersSeenBy(seeker, cid)
  t.match(seen.get(daemon.peerId)?.[0] ?? '', /^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/)
})

t.test('the daemon finds through its walk what only a stock server holds', async t => {
  const daemon = await startTestDaemon(t)
  const server = await startStockPeer(t, daemon, 'server')
  await until(async () => await daemon.metric('svc_dht_kad_routing_table_peers') === 1, 'the stock server is in the daemon’s routing table')
  const cid = await cidOf('held by a stock server')
  const provider = await startBareHost(t)
  const stream = await openRawStream(provider, { addresses: () => server.getMultiaddrs().map(String) })
  stream.send(encodeReply({
    type: 'ADD_PROVIDER',
    key: cid.multihash.bytes,
    providers: [encodePeer({ id: provider.peerId.toMultihash().bytes, addrs: provider.getMultiaddrs().map(({ bytes }) => bytes) })],
  }))
  await stream.close()
  await until(async () => (await askDaemon(`${daemon.publicUrl}/routing/v1/providers/${cid}`)).length > 0, 'the daemon finds it')

  t.same(await askAdmin(daemon.adminSocket, 'GET', `/v1/records/${cid}`).then(({ body }) => (body as RecordsBody).records), [], 'it holds no record itself')
  t.match(await askDaemon(`${daemon.publicUrl}/routing/v1/providers/${cid}`), only({ ID: provider.peerId.toString() }))
})

t.test('a stock server and the daemon take each other into their routing tables', async t => {
  const daemon = await startTestDaemon(t)
  const server = await startStockPeer(t, daemon, 'server')
  await until(async () => await daemon.metric('svc_dht_kad_routing_table_peers') === 1, 'the daemon lists the stock server')
  t.equal(tableSize(server), 1, 'the stock server lists the daemon, whose engine is in client mode')
})

t.test('a stock client finds a peer, client or server, and the closest peers through the daemon', async t => {
  const daemon = await startTestDaemon(t)
  const target = await startStockPeer(t, daemon)
  const seeker = await startStockPeer(t, daemon)
  const info = await seeker.peerRouting.findPeer(target.peerId, { useCache: false, signal: AbortSignal.timeout(10_000) })
  t.same(info.multiaddrs.map(String).map(address => address.replace(/\/p2p\/.*/, '')), target.getMultiaddrs().map(address => address.toString().replace(/\/p2p\/.*/, '')))

  const closest: string[] = []
  for await (const { id } of seeker.peerRouting.getClosestPeers((await cidOf('any')).multihash.bytes, { signal: AbortSignal.timeout(10_000) })) closest.push(id.toString())
  t.same(closest, [daemon.peerId], 'only servers are listed')
})

t.test('an IPNS record goes both ways between a stock peer and the daemon', async t => {
  const daemon = await startTestDaemon(t)
  const server = await startStockPeer(t, daemon, 'server')
  const client = await startStockPeer(t, daemon)
  const key = await generateKeyPair('Ed25519')
  const routingKey = multihashToIPNSRoutingKey(key.publicKey.toMultihash() as never)
  const record = marshalIPNSRecord(await createIPNSRecord(key, await cidOf('a site'), 1n, 3_600_000))

  await client.contentRouting.put(routingKey, record)
  await until(async () => await daemon.metric('svc_dht_kad_inbound_rpc_total{type="PUT_VALUE",outcome="ok"}') >= 1, 'the daemon took the value')
  const fromDaemon = await fetch(`${daemon.publicUrl}/routing/v1/ipns/${key.publicKey.toCID()}`, { headers: { accept: 'application/vnd.ipfs.ipns-record' } })
  t.same(Buffer.from(await fromDaemon.arrayBuffer()), Buffer.from(record), 'put by the stock peer, read over HTTP')

  const newer = marshalIPNSRecord(await createIPNSRecord(key, await cidOf('a newer site'), 2n, 3_600_000))
  const put = await fetch(`${daemon.publicUrl}/routing/v1/ipns/${key.publicKey.toCID()}`, {
    method: 'PUT', body: Buffer.from(newer), headers: { 'content-type': 'application/vnd.ipfs.ipns-record' },
  })
  t.equal(put.status, 200)
  t.same(Buffer.from(await server.contentRouting.get(routingKey, { signal: AbortSignal.timeout(10_000) })), Buffer.from(newer), 'put over HTTP, read by the stock peer')
})

t.test('BLAKE3 keys, and keys of other hashes, round-trip between two daemons', async t => {
  const [daemon, other] = await startTestOverlay(t, 2)
  if (daemon === undefined || other === undefined) throw new Error('unreachable')
  for (const key of [`b3:${'5a'.repeat(32)}`, `f1340${'77'.repeat(64)}`, `f0010${'11'.repeat(16)}`]) {
    const announced = await announce(daemon.adminSocket, key)
    t.match(announced, { reached: 1, attempted: 1, created: true }, `${key.slice(0, 8)}… was taken by the other daemon`)
    const found = await askDaemon(`${other.publicUrl}/routing/v1/providers/${announced.cid}`)
    t.match(found, only({ ID: daemon.peerId, Addrs: only(...daemon.addresses().map(address => address.replace(/\/p2p\/.*/, ''))) }))
  }
})
