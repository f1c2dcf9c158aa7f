import assert from 'node:assert/strict'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createIPNSRecord, marshalIPNSRecord } from 'ipns'
import { base36 } from 'multiformats/bases/base36'
import { assertStatus, get, IPNS_TYPE, mediaType, randomCid, type Rule, type Subject } from './rule.ts'

const HOUR_MS = 3_600_000

/** The IPNS endpoint. Rules that publish do so under a name made for the run. */
export const IPNS_RULES: readonly Rule[] = [
  {
    section: '2.1',
    level: 'must',
    title: 'a published record is what the name answers with, byte for byte',
    needs: 'canPublish',
    async check (subject) {
      const { name, record } = await newName()
      await assertStatus(200, await put(subject, name, record(1)))
      const response = await get(subject, path(name), IPNS_TYPE)
      assert.equal(response.status, 200)
      assert.equal(mediaType(response), IPNS_TYPE)
      assert.deepEqual(new Uint8Array(await response.arrayBuffer()), record(1))
    },
  },
  {
    section: '2.2',
    level: 'must',
    title: 'a record is cacheable by its TTL, to its end of life, under an ETag of its bytes',
    needs: 'canPublish',
    async check (subject) {
      const { name, record } = await newName()
      await assertStatus(200, await put(subject, name, record(1)))
      const response = await get(subject, path(name), IPNS_TYPE)
      await response.arrayBuffer()
      const { headers } = response
      assert.match(headers.get('cache-control') ?? '', /^public, max-age=300, stale-while-revalidate=\d+, stale-if-error=\d+$/)
      assert.ok(Date.parse(headers.get('expires') ?? '') > Date.parse(headers.get('last-modified') ?? ''))
      assert.match(headers.get('vary') ?? '', /accept/i)
      const etag = headers.get('etag') ?? ''
      assert.match(etag, /^"[^"]+"$/)
      await assertStatus(304, await get(subject, path(name), IPNS_TYPE, { 'if-none-match': etag }))
      await assertStatus(200, await put(subject, name, record(2)))
      const newer = await get(subject, path(name), IPNS_TYPE, { 'if-none-match': etag })
      assert.notEqual(newer.headers.get('etag'), etag)
      await assertStatus(200, newer)
    },
  },
  {
    section: '2.1',
    level: 'should',
    title: '200 with another content type when a name has no record (IPIP-513)',
    async check (subject) {
      const { name } = await newName()
      const response = await get(subject, path(name), IPNS_TYPE)
      await response.text()
      assert.equal(response.status, 200)
      assert.notEqual(mediaType(response), IPNS_TYPE)
    },
  },
  {
    section: '2.2',
    level: 'must',
    title: '406 that names the type when the requested content type is missing or not supported',
    async check (subject) {
      const { name } = await newName()
      for (const accept of ['*/*', 'application/json', 'text/html']) {
        const response = await get(subject, path(name), accept)
        assert.match(await response.text(), /application\/vnd\.ipfs\.ipns-record/)
        assert.equal(response.status, 406, `Accept: ${accept}`)
      }
    },
  },
  {
    section: '2.2',
    level: 'must',
    title: '406 that names the type when a submitted content type is not supported',
    async check (subject) {
      const { name, record } = await newName()
      const response = await put(subject, name, record(1), 'application/octet-stream')
      assert.match(await response.text(), /application\/vnd\.ipfs\.ipns-record/)
      assert.equal(response.status, 406)
    },
  },
  {
    section: '2.2',
    level: 'must',
    title: '400 for a record or a name that is not valid',
    async check (subject) {
      const { name, record } = await newName()
      const other = await newName()
      for (const [submittedName, bytes] of [
        [name, new Uint8Array()],
        [name, Buffer.from('not a record')],
        [name, other.record(1)],
        [name, new Uint8Array(10 * 1024 + 1)],
        ['not-a-name', record(1)],
        [randomCid(), record(1)],
      ] as const) await assertStatus(400, await put(subject, submittedName, bytes))
      await assertStatus(400, await get(subject, path('not-a-name'), IPNS_TYPE))
    },
  },
  {
    section: '2.2',
    level: 'should',
    title: 'a record older than the one held is refused and changes nothing',
    needs: 'canPublish',
    async check (subject) {
      const { name, record } = await newName()
      await assertStatus(200, await put(subject, name, record(2)))
      await assertStatus(400, await put(subject, name, record(1)))
      const response = await get(subject, path(name), IPNS_TYPE)
      assert.deepEqual(new Uint8Array(await response.arrayBuffer()), record(2))
    },
  },
]

/** A new name and its records by sequence number, valid for an hour. */
async function newName () {
  const key = await generateKeyPair('Ed25519')
  const records = new Map<number, Uint8Array>()
  for (const sequence of [1, 2]) {
    records.set(sequence, marshalIPNSRecord(await createIPNSRecord(key, '/ipfs/bafkqaaa', sequence, HOUR_MS, { ttlNs: 300n * 1_000_000_000n })))
  }
  return { name: key.publicKey.toCID().toString(base36), record: (sequence: number) => records.get(sequence) ?? new Uint8Array() }
}

function path (name: string): string {
  return `/routing/v1/ipns/${name}`
}

function put ({ url }: Subject, name: string, record: Uint8Array, type = IPNS_TYPE): Promise<Response> {
  return fetch(url + path(name), { method: 'PUT', headers: { 'content-type': type }, body: Uint8Array.from(record) })
}
