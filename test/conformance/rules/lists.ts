import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { base32 } from 'multiformats/bases/base32'
import { base36 } from 'multiformats/bases/base36'
import { base58btc } from 'multiformats/bases/base58'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { assertPeer, assertStatus, get, JSON_TYPE, linesOf, listOf, NDJSON_TYPE, randomCid, type Rule } from './rule.ts'

const PROVIDERS = '/routing/v1/providers'
const PEERS = '/routing/v1/peers'
const CLOSEST = '/routing/v1/dht/closest/peers'
const LIBP2P_KEY = 0x72

/** The endpoints that answer with peers: what they take, what they answer, and the statuses they do it with. */
export const LIST_RULES: readonly Rule[] = [
  {
    section: '2.1',
    level: 'must',
    title: 'providers answers JSON with a list of peer records',
    needs: 'cid',
    async check (subject) {
      const peers = await listOf(await get(subject, `${PROVIDERS}/${subject.fixtures.cid}`))
      assert.ok(peers.length > 0)
      peers.forEach(assertPeer)
    },
  },
  {
    section: '2.1',
    level: 'must',
    title: 'providers answers NDJSON with one peer record on each line',
    needs: 'cid',
    async check (subject) {
      const peers = await linesOf(await get(subject, `${PROVIDERS}/${subject.fixtures.cid}`, NDJSON_TYPE))
      assert.ok(peers.length > 0)
      peers.forEach(assertPeer)
    },
  },
  {
    section: '2.1',
    level: 'must',
    title: 'providers takes a CID in any base, codec and hash',
    async check (subject) {
      const cid = CID.parse(randomCid())
      const blake3 = CID.createV1(0x55, Digest.create(0x1e, cid.multihash.digest))
      for (const text of [cid.toString(base32), cid.toString(base36), cid.toString(base58btc), CID.createV0(cid.multihash as never).toString(), CID.createV1(0x71, cid.multihash).toString(), blake3.toString()]) {
        await listOf(await get(subject, `${PROVIDERS}/${text}`))
      }
    },
  },
  {
    section: '2.1',
    level: 'should',
    title: 'JSON holds at most 100 records, NDJSON may hold more',
    needs: 'popularCid',
    async check (subject) {
      const path = `${PROVIDERS}/${subject.fixtures.popularCid}`
      assert.equal((await listOf(await get(subject, path))).length, 100)
      assert.ok((await linesOf(await get(subject, path, NDJSON_TYPE))).length > 100)
    },
  },
  {
    section: '2.1',
    level: 'must',
    title: 'peers takes a peer ID in base58btc and as a CIDv1 in base36 and base32, all with one answer',
    needs: 'peerId',
    async check (subject) {
      const id = subject.fixtures.peerId ?? ''
      const cid = CID.createV1(LIBP2P_KEY, Digest.decode(base58btc.baseDecode(id)))
      for (const text of [id, cid.toString(base36), cid.toString(base32)]) {
        const [peer] = await listOf(await get(subject, `${PEERS}/${text}`))
        assert.ok(peer !== undefined)
        assertPeer(peer)
        assert.equal(peer.ID, id, 'ID is the multihash in base58btc')
        assert.ok(peer.Addrs.length > 0)
      }
    },
  },
  {
    section: '2.1',
    level: 'should',
    title: 'closest peers takes a CID and a peer ID',
    async check (subject) {
      const digest = CID.parse(randomCid()).multihash
      for (const text of [CID.createV1(0x55, digest), CID.createV1(LIBP2P_KEY, digest).toString(base36), base58btc.baseEncode(digest.bytes)]) {
        await listOf(await get(subject, `${CLOSEST}/${text}`))
      }
    },
  },
  {
    section: '2.1',
    level: 'should',
    title: 'closest peers are at most 20, nearest first, also in NDJSON',
    async check (subject) {
      const cid = CID.parse(randomCid())
      for (const peers of [await listOf(await get(subject, `${CLOSEST}/${cid}`)), await linesOf(await get(subject, `${CLOSEST}/${cid}`, NDJSON_TYPE))]) {
        assert.ok(peers.length <= 20)
        const distances = peers.map(({ ID }) => kadId(base58btc.baseDecode(ID)) ^ kadId(cid.multihash.bytes))
        assert.deepEqual(distances, distances.toSorted((a, b) => a < b ? -1 : 1))
      }
    },
  },
  {
    section: '2.2',
    level: 'should',
    title: '200 with an empty list when nothing is found (IPIP-513)',
    async check (subject) {
      assert.deepEqual(await listOf(await get(subject, `${PROVIDERS}/${randomCid()}`)), [])
      assert.deepEqual(await linesOf(await get(subject, `${PROVIDERS}/${randomCid()}`, NDJSON_TYPE)), [], 'NDJSON has no line at all')
      const unknown = base58btc.baseEncode(CID.parse(randomCid()).multihash.bytes)
      assert.deepEqual((await listOf(await get(subject, `${PEERS}/${unknown}`))).filter(peer => peer.ID === unknown), [])
    },
  },
  {
    section: '2.4 (1)',
    level: 'must',
    title: '422 for what is not a key, a peer ID or a filter',
    async check (subject) {
      for (const path of [
        `${PROVIDERS}/not-a-cid`, `${PROVIDERS}/${'b'.repeat(600)}`, `${PEERS}/not-a-peer`, `${CLOSEST}/not-a-key`, `${PEERS}/${randomCid()}`,
        `${PROVIDERS}/${randomCid()}?filter-protocols=${'x'.repeat(64)}`, `${PEERS}/${base58btc.baseEncode(CID.parse(randomCid()).multihash.bytes)}?filter-addrs=a,,b`,
      ]) await assertStatus(422, await get(subject, path))
    },
  },
  {
    section: '2.4 (2)',
    level: 'should',
    title: '406 when neither JSON nor NDJSON is accepted',
    async check (subject) {
      for (const path of [`${PROVIDERS}/${randomCid()}`, `${CLOSEST}/${randomCid()}`]) {
        for (const accept of ['text/html', `${JSON_TYPE};q=0, ${NDJSON_TYPE};q=0`]) await assertStatus(406, await get(subject, path, accept))
      }
    },
  },
  {
    section: '2.4 (4)',
    level: 'must',
    title: 'an empty list of closest peers is [], never null',
    async check (subject) {
      const response = await get(subject, `${CLOSEST}/${randomCid()}`)
      assert.notEqual(response.status, 404, 'IPIP-513: clients would have to take it for an empty list')
      await listOf(response)
    },
  },
]

function kadId (key: Uint8Array): bigint {
  return BigInt(`0x${createHash('sha256').update(key).digest('hex')}`)
}
