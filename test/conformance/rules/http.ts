import assert from 'node:assert/strict'
import { assertStatus, get, JSON_TYPE, maxAge, mediaType, NDJSON_TYPE, randomCid, type Rule } from './rule.ts'

const PROVIDERS = '/routing/v1/providers'

/** Content types, caching, CORS and the statuses that belong to no endpoint. */
export const HTTP_RULES: readonly Rule[] = [
  {
    section: '2.2',
    level: 'must',
    title: 'JSON is the default; NDJSON only for who names it, and prefers it',
    async check (subject) {
      for (const [accept, expected] of [
        [undefined, JSON_TYPE],
        ['*/*', JSON_TYPE],
        [JSON_TYPE, JSON_TYPE],
        ['application/*', JSON_TYPE],
        [NDJSON_TYPE, NDJSON_TYPE],
        [`${NDJSON_TYPE}, ${JSON_TYPE};q=0.8`, NDJSON_TYPE],
        [`${NDJSON_TYPE},${JSON_TYPE}`, NDJSON_TYPE],
        [`${NDJSON_TYPE};q=0.5, ${JSON_TYPE}`, JSON_TYPE],
        [`${NDJSON_TYPE};q=0, */*`, JSON_TYPE],
      ] as const) {
        const response = await get(subject, `${PROVIDERS}/${randomCid()}`, accept)
        await response.text()
        assert.equal(mediaType(response), expected, `Accept: ${accept}`)
      }
    },
  },
  {
    section: '2.2',
    level: 'must',
    title: 'answers vary by Accept',
    async check (subject) {
      const response = await get(subject, `${PROVIDERS}/${randomCid()}`)
      await response.text()
      assert.match(response.headers.get('vary') ?? '', /\baccept\b/i)
    },
  },
  {
    section: '2.2',
    level: 'should',
    title: 'nothing found may be kept for a shorter time than something',
    needs: 'cid',
    async check (subject) {
      const found = await get(subject, `${PROVIDERS}/${subject.fixtures.cid}`)
      const empty = await get(subject, `${PROVIDERS}/${randomCid()}`)
      assert.ok(maxAge(empty) < maxAge(found))
      for (const response of [found, empty]) {
        assert.match(response.headers.get('cache-control') ?? '', /^public, max-age=\d+, stale-while-revalidate=\d+, stale-if-error=\d+$/)
        await response.text()
      }
    },
  },
  {
    section: '2.4 (7)',
    level: 'should',
    title: 'an answer has the date of its resolution, and a client that has it gets 304',
    needs: 'cid',
    async check (subject) {
      const path = `${PROVIDERS}/${subject.fixtures.cid}`
      const first = await get(subject, path)
      await first.text()
      const date = first.headers.get('last-modified') ?? ''
      assert.equal(new Date(date).toUTCString(), date, 'an HTTP date')
      const again = await get(subject, path, JSON_TYPE, { 'if-modified-since': date })
      assert.equal(await again.text(), '')
      assert.equal(again.status, 304)
      assert.equal(again.headers.get('last-modified'), date)
      const older = await get(subject, path, JSON_TYPE, { 'if-modified-since': new Date(Date.parse(date) - 1000).toUTCString() })
      await assertStatus(200, older)
    },
  },
  {
    section: '2.4 (3)',
    level: 'must',
    title: '400 for an unknown path',
    async check (subject) {
      for (const path of ['/', '/routing/v1', '/routing/v1/unheard-of/x', '/routing/v2/providers/x', `${PROVIDERS}/${randomCid()}/more`]) {
        await assertStatus(400, await get(subject, path))
      }
    },
  },
  {
    section: '2.4 (3)',
    level: 'must',
    title: '501 for a method that is not supported',
    async check (subject) {
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'PROPFIND']) {
        await assertStatus(501, await fetch(`${subject.url}${PROVIDERS}/${randomCid()}`, { method }))
      }
    },
  },
  {
    section: '2.2',
    level: 'must',
    title: 'any web page may ask: preflight and answers say so, refusals too',
    async check (subject) {
      const headers = { origin: 'https://example.org', 'access-control-request-method': 'GET' }
      const preflight = await fetch(`${subject.url}${PROVIDERS}/${randomCid()}`, { method: 'OPTIONS', headers })
      await preflight.text()
      assert.ok(preflight.ok)
      assert.match(preflight.headers.get('access-control-allow-methods') ?? '', /GET.*OPTIONS/)
      for (const response of [preflight, await get(subject, `${PROVIDERS}/${randomCid()}`), await get(subject, `${PROVIDERS}/bad`), await get(subject, '/unknown')]) {
        assert.equal(response.headers.get('access-control-allow-origin'), '*')
        await response.text()
      }
    },
  },
  {
    section: '2.4 (7)',
    level: 'should',
    title: '429 with Retry-After for who asks too often',
    needs: 'exhaustedUrl',
    async check (subject) {
      const response = await fetch(`${subject.fixtures.exhaustedUrl}${PROVIDERS}/${randomCid()}`)
      assert.ok(Number(response.headers.get('retry-after')) >= 1)
      await assertStatus(429, response)
    },
  },
]
