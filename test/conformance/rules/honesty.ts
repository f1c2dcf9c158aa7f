import assert from 'node:assert/strict'
import { getRaw } from '../../http/support/raw.ts'
import { get, listOf, NDJSON_TYPE, type Rule, type Subject } from './rule.ts'

const ndjson = { headers: { accept: NDJSON_TYPE } }

/** What an answer must not claim: to be whole when it is not, or to be empty when nobody could be asked. */
export const HONESTY_RULES: readonly Rule[] = [
  {
    section: '2.3',
    level: 'should',
    title: 'a record is sent when it is found, not when the walk ends',
    needs: 'growing',
    async check (subject) {
      const { cid, release } = subject.fixtures.growing ?? assert.fail()
      const response = await get(subject, `/routing/v1/providers/${cid}`, NDJSON_TYPE)
      const reader = (response.body ?? assert.fail()).pipeThrough(new TextDecoderStream()).getReader()
      const first = await reader.read()
      assert.equal(first.value?.split('\n').length, 2, 'one whole line, while the walk waits')
      release()
      let rest = ''
      for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) rest += chunk.value
      assert.equal(rest.split('\n').length, 2)
    },
  },
  {
    section: '2.3',
    level: 'must',
    title: 'a JSON answer stays under the 1 MiB that clients read, and says when that cut it',
    needs: 'popularCid',
    async check (subject) {
      const response = await getRaw(providers(subject, 'popularCid'))
      assert.ok(Buffer.byteLength(response.body) <= 1024 * 1024)
      assert.equal(response.headers['routing-truncated'], 'limit')
      assert.match(response.headers['cache-control'] ?? '', /max-age=300/, 'the same cut for everyone: worth keeping')
    },
  },
  {
    section: '2.4 (5)',
    level: 'ours',
    title: 'a failure with nothing found is 503, never an empty list',
    needs: 'failingCid',
    async check (subject) {
      for (const options of [{}, ndjson]) {
        const response = await getRaw(providers(subject, 'failingCid'), options)
        assert.equal(response.status, 503)
        assert.ok(response.headers['retry-after'])
        assert.equal(response.headers['cache-control'], 'no-store')
      }
    },
  },
  {
    section: '2.4 (5)',
    level: 'ours',
    title: 'a stream whose walk fails breaks off, so that nobody takes it for whole',
    needs: 'breakingCid',
    async check (subject) {
      const response = await getRaw(providers(subject, 'breakingCid'), ndjson)
      assert.equal(response.status, 200)
      assert.equal(response.body.split('\n').length, 2, 'what was found has arrived')
      assert.equal(response.complete, false)
    },
  },
  {
    section: '2.4 (5)',
    level: 'ours',
    title: 'a JSON answer whose walk failed says so and is not kept',
    needs: 'breakingCid',
    async check (subject) {
      const response = await get(subject, `/routing/v1/providers/${subject.fixtures.breakingCid}`)
      assert.equal(response.headers.get('routing-truncated'), 'error')
      assert.equal(response.headers.get('cache-control'), 'no-store')
      assert.equal((await listOf(response)).length, 1)
    },
  },
  {
    section: '2.4 (6)',
    level: 'ours',
    title: 'a JSON answer that the deadline cut says so and is not kept',
    needs: 'slowUrl',
    async check (subject) {
      const response = await fetch(subject.fixtures.slowUrl ?? assert.fail())
      assert.equal(response.headers.get('routing-truncated'), 'deadline')
      assert.equal(response.headers.get('cache-control'), 'no-store')
      assert.equal((await listOf(response)).length, 1)
    },
  },
  {
    section: '2.4 (6)',
    level: 'ours',
    title: 'a stream is kept only for moments, as its header leaves before its end; a trailer says what cut it',
    needs: 'slowUrl',
    async check (subject) {
      const response = await getRaw(subject.fixtures.slowUrl ?? assert.fail(), ndjson)
      assert.match(response.headers['cache-control'] ?? '', /^public, max-age=(?:\d|1[0-5])$/)
      assert.equal(response.headers.trailer, 'routing-truncated')
      assert.equal(response.trailers['routing-truncated'], 'deadline')
      assert.equal(response.complete, true)
    },
  },
]

function providers (subject: Subject, fixture: 'popularCid' | 'failingCid' | 'breakingCid'): string {
  return `${subject.url}/routing/v1/providers/${subject.fixtures[fixture]}`
}
