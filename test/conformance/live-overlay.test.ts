import { delegatedRoutingV1HttpApiClient } from '@helia/delegated-routing-v1-http-api-client'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromCID, peerIdFromString } from '@libp2p/peer-id'
import { createIPNSRecord, marshalIPNSRecord } from 'ipns'
import { CID } from 'multiformats/cid'
import t from 'tap'
import { announce } from '../admin.ts'
import { startTestOverlay } from '../daemon.ts'
import { only } from '../patterns.ts'
import { routingV1Conformance } from './routing-v1.ts'

const silentLog = Object.assign(() => {}, { error () {}, trace () {}, enabled: false })
const components = { logger: { forComponent: () => silentLog } } as never

const KEY = `b3:${'2f'.repeat(32)}`

t.test('a live daemon conforms to Delegated Routing V1', async t => {
  const [daemon, other] = await startTestOverlay(t, 3)
  if (daemon === undefined || other === undefined) throw new Error('unreachable')
  const { cid } = await announce(other.adminSocket, KEY)
  await routingV1Conformance(t, daemon.publicUrl, { cid, peerId: other.peerId, canPublish: true })
})

t.test('the stock HTTP client finds providers, peers and closest peers of a live overlay, and publishes a name in it', async t => {
  const [daemon, other, third] = await startTestOverlay(t, 3)
  if (daemon === undefined || other === undefined || third === undefined) throw new Error('unreachable')
  const clientOf = (url: string) => delegatedRoutingV1HttpApiClient({ url })(components)
  const client = clientOf(daemon.publicUrl)
  const announced = await announce(other.adminSocket, KEY)
  const cid = CID.parse(announced.cid)
  const others = [other, third].map(({ peerId }) => peerId).sort()

  t.match((await Array.fromAsync(client.getProviders(cid))).map(idOf), only(other.peerId))
  t.match((await Array.fromAsync(client.getPeers(peerCid(third.peerId)))).map(idOf), only(third.peerId))
  t.same((await Array.fromAsync(client.getClosestPeers(cid))).map(idOf).sort(), others)

  const owner = await generateKeyPair('Ed25519')
  const record = marshalIPNSRecord(await createIPNSRecord(owner, cid, 1n, 3_600_000))
  await client.putIPNS(owner.publicKey.toCID() as never, record)
  t.same(Buffer.from(await clientOf(third.publicUrl).getIPNS(owner.publicKey.toCID() as never)), Buffer.from(record), 'read through another daemon')
})

function idOf ({ ID }: { readonly ID: CID }): string {
  return peerIdFromCID(ID).toString()
}

function peerCid (peerId: string): CID {
  return peerIdFromString(peerId).toCID() as unknown as CID
}
