import { generateKeyPair } from '@libp2p/crypto/keys'
import { createIPNSRecord, marshalIPNSRecord, multihashToIPNSRoutingKey } from 'ipns'
import { CID } from 'multiformats/cid'
import t from 'tap'
import { parseKey, toCidText } from '../../../src/core/key.ts'
import { decodeRequest, encodePeer } from '../../../src/kad/rpc/message.ts'
import { encodeValueRecord } from '../../../src/kad/value/value-record.ts'
import { announce } from '../../admin.ts'
import { startTestDaemon, startTestOverlay } from '../../daemon.ts'
import { ownEntry, rejections, sendMessage } from './raw-rpc.ts'
import { startBareHost } from './stock-peer.ts'

// One test for each fault of the stock handlers that made us write our own.

const HOUR_MS = 3_600_000
const KEY = parseKey(`b3:${'e7'.repeat(32)}`)

function providersIn (reply: unknown): readonly { readonly id: Uint8Array, readonly addrs: readonly Uint8Array[] }[] {
  if (!(reply instanceof Uint8Array)) throw new Error(`no reply but ${String(reply)}`)
  return decodeRequest(reply).providers
}

t.test('keys of every hash function are accepted', async t => {
  const daemon = await startTestDaemon(t)
  const peer = await startBareHost(t)
  const keys = { blake3: KEY, 'sha2-256': parseKey(`f1220${'01'.repeat(32)}`), 'sha2-512': parseKey(`f1340${'02'.repeat(64)}`), 'sha3-256': parseKey(`f1620${'03'.repeat(32)}`), 'blake2b-256': parseKey(`fa0e40220${'04'.repeat(32)}`), identity: parseKey('f000401020304') }
  for (const [name, key] of Object.entries(keys)) {
    t.equal(await sendMessage(peer, daemon, { type: 'ADD_PROVIDER', key, providers: [ownEntry(peer)] }), 'closed', `${name} is taken`)
    t.equal(providersIn(await sendMessage(peer, daemon, { type: 'GET_PROVIDERS', key })).length, 1, `${name} is found`)
  }
})

t.test('a provider is served with its addresses for as long as its record lives', async t => {
  let now = Date.now()
  const daemon = await startTestDaemon(t, { now: () => now })
  const peer = await startBareHost(t)
  await sendMessage(peer, daemon, { type: 'ADD_PROVIDER', key: KEY, providers: [ownEntry(peer)] })
  for (const hours of [1.5, 7, 23.9]) {
    const later = now + hours * HOUR_MS
    const before = now
    now = later
    const [provider] = providersIn(await sendMessage(peer, daemon, { type: 'GET_PROVIDERS', key: KEY }))
    t.equal(provider?.addrs.length, peer.getMultiaddrs().length, `after ${hours} hours of silence`)
    now = before
  }
})

t.test('an expired record is not served, though nothing has removed it yet', async t => {
  let now = Date.now()
  const daemon = await startTestDaemon(t, { now: () => now })
  const peer = await startBareHost(t)
  await sendMessage(peer, daemon, { type: 'ADD_PROVIDER', key: KEY, providers: [ownEntry(peer)] })
  now += 24 * HOUR_MS
  t.same(providersIn(await sendMessage(peer, daemon, { type: 'GET_PROVIDERS', key: KEY })), [])
})

t.test('one expired provider does not spoil the reply for the others', async t => {
  let now = Date.now()
  const daemon = await startTestDaemon(t, { now: () => now })
  const [early, late] = [await startBareHost(t), await startBareHost(t)]
  await sendMessage(early, daemon, { type: 'ADD_PROVIDER', key: KEY, providers: [ownEntry(early)] })
  now += 23 * HOUR_MS
  await sendMessage(late, daemon, { type: 'ADD_PROVIDER', key: KEY, providers: [ownEntry(late)] })
  now += 2 * HOUR_MS
  const providers = providersIn(await sendMessage(early, daemon, { type: 'GET_PROVIDERS', key: KEY }))
  t.same(providers.map(({ id }) => Buffer.from(id).toString('hex')), [Buffer.from(late.peerId.toMultihash().bytes).toString('hex')])
})

t.test('the configured validity is the one in force', async t => {
  let now = Date.now()
  const daemon = await startTestDaemon(t, { now: () => now, flags: { 'providers.ttl': '10m' } })
  const peer = await startBareHost(t)
  await sendMessage(peer, daemon, { type: 'ADD_PROVIDER', key: KEY, providers: [ownEntry(peer)] })
  now += 10 * 60_000 - 1
  t.equal(providersIn(await sendMessage(peer, daemon, { type: 'GET_PROVIDERS', key: KEY })).length, 1, 'a moment before')
  now += 1
  t.equal(providersIn(await sendMessage(peer, daemon, { type: 'GET_PROVIDERS', key: KEY })).length, 0, 'on time')
})

t.test('a thousand provides of the same key by one peer are one record', async t => {
  const daemon = await startTestDaemon(t, { flags: { 'providers.addsPerPeerPerSecond': '1000' } })
  const peer = await startBareHost(t)
  for (let count = 0; count < 1000; count += 50) {
    await Promise.all(Array.from({ length: 10 }, async () => {
      for (let times = 0; times < 5; times++) await sendMessage(peer, daemon, { type: 'ADD_PROVIDER', key: KEY, providers: [ownEntry(peer)] })
    }))
  }
  t.equal(await daemon.metric('svc_dht_provider_upserts_total{result="created"}'), 1)
  t.equal(await daemon.metric('svc_dht_provider_upserts_total{result="refreshed"}'), 999)
  t.equal(providersIn(await sendMessage(peer, daemon, { type: 'GET_PROVIDERS', key: KEY })).length, 1)
})

t.test('a crafted message of 2,000 entries is refused at the seventeenth', async t => {
  const daemon = await startTestDaemon(t)
  const peer = await startBareHost(t)
  const entry = encodePeer({ id: KEY, addrs: [Buffer.alloc(20, 1)] })
  t.equal(await sendMessage(peer, daemon, { type: 'ADD_PROVIDER', key: KEY, providers: new Array(2000).fill(entry) }), 'reset')
  t.equal(await rejections(daemon, 'provider'), 1)
})

t.test('an older value does not replace a newer one', async t => {
  const daemon = await startTestDaemon(t)
  const peer = await startBareHost(t)
  const owner = await generateKeyPair('Ed25519')
  const key = multihashToIPNSRoutingKey(owner.publicKey.toMultihash() as never)
  const value = async (sequence: bigint): Promise<Uint8Array> => marshalIPNSRecord(await createIPNSRecord(owner, CID.parse(toCidText(KEY)), sequence, HOUR_MS))
  const [older, newer] = [await value(1n), await value(2n)]
  const put = async (content: Uint8Array) => await sendMessage(peer, daemon, { type: 'PUT_VALUE', key, record: encodeValueRecord({ key, value: content }, Date.now()) })

  t.ok(await put(newer) instanceof Uint8Array, 'the newer one is taken')
  t.equal(await put(older), 'reset', 'the older one is refused')
  t.equal(await rejections(daemon, 'stale'), 1)
  const reply = await sendMessage(peer, daemon, { type: 'GET_VALUE', key })
  t.ok(reply instanceof Uint8Array && Buffer.from(decodeRequest(reply).record ?? []).includes(Buffer.from(newer)), 'the newer one is still there')
})

t.test('a reply names neither the one who asks nor ourselves among the closer peers', async t => {
  const daemons = await startTestOverlay(t, 3)
  const [first, second] = daemons
  if (first === undefined || second === undefined) throw new Error('unreachable')
  const { key } = await announce(first.adminSocket, `b3:${'d0'.repeat(32)}`)
  const closest = await (await fetch(`${second.publicUrl}/routing/v1/dht/closest/peers/${toCidText(parseKey(key))}`)).json() as { Peers: Array<{ ID: string }> }
  t.same(closest.Peers.map(({ ID }) => ID).sort(), daemons.filter(daemon => daemon !== second).map(({ peerId }) => peerId).sort())
})
