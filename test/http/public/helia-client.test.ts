import { delegatedRoutingV1HttpApiClient } from '@helia/delegated-routing-v1-http-api-client'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createIPNSRecord, marshalIPNSRecord } from 'ipns'
import { base58btc } from 'multiformats/bases/base58'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import t, { type Test } from 'tap'
import { cid, key, peer, peerId } from '../../lookup/support/peers.ts'
import { toName, yields } from '../../lookup/support/planes.ts'
import { only } from '../../patterns.ts'
import { startPublicServer } from '../support/public-server.ts'

const LIBP2P_KEY = 0x72

const silentLog = Object.assign(() => {}, { error () {}, trace () {}, enabled: false })
const silent = { forComponent: () => silentLog }

async function start (t: Test) {
  const server = await startPublicServer(t)
  const client = delegatedRoutingV1HttpApiClient({ url: server.url })({ logger: silent } as never)
  await client.start()
  t.teardown(() => client.stop())
  return { ...server, client }
}

const toPeerCid = (id: string): CID => CID.createV1(LIBP2P_KEY, Digest.decode(base58btc.baseDecode(id)))

t.test('the stock Helia client reads providers, with its filters', async t => {
  const { client, plane } = await start(t)
  plane.scripts.set(toName(key('k')), { held: [peer('held')], walk: () => yields(peer('walked', ['/ip4/192.0.2.2/udp/1/quic-v1'])) })
  const found = []
  for await (const provider of client.getProviders(CID.parse(cid('k')))) found.push(provider)
  t.strictSame(found.map(({ ID }) => ID.toString()), [toPeerCid(peerId('held')).toString(), toPeerCid(peerId('walked')).toString()])
  t.same(found[0]?.Addrs.map(String), peer('held').addrs)
  const quic = []
  for await (const provider of client.getProviders(CID.parse(cid('k')), { filterAddrs: ['quic-v1'] })) quic.push(provider)
  t.strictSame(quic.map(({ ID }) => ID.toString()), [toPeerCid(peerId('walked')).toString()])
})

t.test('it reads nobody for a key that nobody provides', async t => {
  const { client } = await start(t)
  for await (const provider of client.getProviders(CID.parse(cid('nobody')))) t.fail(String(provider.ID))
  t.pass()
})

t.test('it reads a peer', async t => {
  const { client, plane } = await start(t)
  plane.scripts.set(peerId('known'), { held: [peer('known')] })
  const found = []
  for await (const record of client.getPeers(toPeerCid(peerId('known')))) found.push(record)
  t.match(found, only({ Schema: 'peer', Protocols: only() }))
  t.same(found[0]?.Addrs.map(String), peer('known').addrs)
})

t.test('it reads the closest peers', async t => {
  const { client, plane } = await start(t)
  plane.scripts.set(toName(key('k')), { walk: () => yields(peer(1), peer(2), peer(3)) })
  const found = []
  for await (const record of client.getClosestPeers(CID.parse(cid('k')))) found.push(record)
  t.equal(found.length, 3)
})

t.test('it publishes and resolves an IPNS record', async t => {
  const { client, clock } = await start(t)
  clock.now = Date.now()
  const privateKey = await generateKeyPair('Ed25519')
  const name = privateKey.publicKey.toCID()
  await t.rejects(client.getIPNS(name), { name: 'NotFoundError' }, 'no record yet')
  const record = marshalIPNSRecord(await createIPNSRecord(privateKey, CID.parse(cid('k')), 1, 3_600_000))
  await client.putIPNS(name, record)
  t.strictSame(Buffer.from(await client.getIPNS(name)), Buffer.from(record))
})
