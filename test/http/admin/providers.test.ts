import { request } from 'node:http'
import t from 'tap'
import { DhtError } from '../../../src/core/errors.ts'
import { emptyTrace } from '../../../src/core/peer.ts'
import { CID, fakePorts, fetchJson, KEY, open, provide, startDaemon } from './fake-daemon.ts'

t.test('providing a key answers with when it ends and how many peers took it', async t => {
  const socket = await startDaemon(t)
  t.same(await fetchJson(socket, provide({ key: CID })), {
    status: 200,
    body: { key: KEY, cid: CID, expires_at: '2026-01-03T03:04:05.000Z', created: true, reached: 17, attempted: 20, trace: { ...emptyTrace(), messages: 40 } },
  })
})

t.test('the TTL asked for is the one announced, and none when none was asked for', async t => {
  const asked: Array<number | undefined> = []
  const { announcer } = fakePorts()
  const socket = await startDaemon(t, { announcer: { ...announcer, announce: (key, options) => { asked.push(options.ttlMs); return announcer.announce(key, options) } } })
  await fetchJson(socket, provide({ key: KEY, ttl_seconds: 60 }))
  await fetchJson(socket, provide({ key: KEY }))
  t.same(asked, [60_000, undefined])
})

t.test('a request that is not exactly right is refused, never bent into shape', async t => {
  let announced = 0
  const { announcer } = fakePorts()
  const socket = await startDaemon(t, { announcer: { ...announcer, announce: (...args) => { announced++; return announcer.announce(...args) } } })
  const refused = {
    'an unknown field': { key: KEY, ttl: 60 },
    'no key': {},
    'a key that is no string': { key: 5 },
    'a key that is none': { key: 'x' },
    'a TTL in a string': { key: KEY, ttl_seconds: '60' },
    'a fraction of a second': { key: KEY, ttl_seconds: 1.5 },
    'no time at all': { key: KEY, ttl_seconds: 0 },
    'more than any clock counts': { key: KEY, ttl_seconds: 1e15 },
    'null for a TTL': { key: KEY, ttl_seconds: null },
    'an array': [KEY],
    'a bare string': '"x"',
    null: 'null',
    'a body that is no JSON': '{',
    'a prototype': `{"key":"${KEY}","__proto__":{}}`,
    'no body': '',
  }
  for (const [name, body] of Object.entries(refused)) {
    t.match(await fetchJson(socket, provide(body)), { status: 400, body: { error: { code: 'BadRequest', message: String } } }, name)
  }
  t.match(await fetchJson(socket, provide({ key: KEY, ttl: 60 })), { body: { error: { message: /"ttl"/, hint: /key, ttl_seconds/ } } }, 'the answer names the field and those there are')
  t.equal(announced, 0)
})

t.test('a body that is not declared as JSON is refused with a hint', async t => {
  const socket = await startDaemon(t)
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', undefined]) {
    const answer = await fetchJson(socket, provide({ key: KEY }, type === undefined ? {} : { 'content-type': type }))
    t.match(answer, { status: 400, body: { error: { code: 'BadRequest', hint: /application\/json/ } } }, String(type))
  }
})

t.test('what the announcer refuses reaches the client, with the time to wait', async t => {
  const { announcer } = fakePorts()
  const announce = async () => { throw new DhtError('Backpressure', 'Too many keys.', { retryAfterMs: 5000 }) }
  const socket = await startDaemon(t, { announcer: { ...announcer, announce } })
  const response = await open(socket, provide({ key: KEY }))
  t.equal(response.statusCode, 429)
  t.equal(response.headers['retry-after'], '5')
  response.resume()
})

t.test('what is refused leaves no entry in the audit log, and what is done has one before it is done', async t => {
  const { announcer } = fakePorts()
  const happened: string[] = []
  const actions = { record: async ({ action }: { readonly action: string }) => { happened.push(action); return { seq: 0, ts: 0 } } }
  const announce: typeof announcer.announce = async (...args) => { happened.push('announced'); return await announcer.announce(...args) }
  const refuses = { ...announcer, announce, assertAnnounces: () => { throw new DhtError('NotReady', 'There is nobody to tell.', { retryAfterMs: 5000 }) } }
  t.match(await fetchJson(await startDaemon(t, { actions, announcer: refuses }), provide({ key: CID })), { status: 503, body: { error: { code: 'NotReady', message: 'There is nobody to tell.' } } })
  t.strictSame(happened, [])
  t.equal((await fetchJson(await startDaemon(t, { actions, announcer: { ...announcer, announce } }), provide({ key: CID }))).status, 200)
  t.strictSame(happened, ['provider.write', 'announced'])
})

t.test('an announcement ends when its client leaves, and not because the request was read', async t => {
  const { announcer } = fakePorts()
  const begun = Promise.withResolvers<AbortSignal>()
  const aborted = Promise.withResolvers<void>()
  const announce = async (_: Uint8Array, { signal }: { readonly signal: AbortSignal }): Promise<never> => {
    signal.addEventListener('abort', () => aborted.resolve())
    begun.resolve(signal)
    await aborted.promise
    throw signal.reason
  }
  const socket = await startDaemon(t, { announcer: { ...announcer, announce } })
  const { path, body, headers = {} } = provide({ key: KEY })
  const client = request({ socketPath: socket, method: 'POST', path, headers, agent: false })
  client.on('error', () => {}) // that it is cut is the point
  client.end(body)
  const signal = await begun.promise
  await new Promise(resolve => setImmediate(resolve))
  t.notOk(signal.aborted, 'while the client waits it goes on')
  client.destroy()
  await aborted.promise
  t.ok(signal.aborted)
})

t.test('withdrawing says until when others may still name this daemon', async t => {
  const socket = await startDaemon(t)
  const path = `/v1/providers/${encodeURIComponent(KEY)}`
  t.same(await fetchJson(socket, { method: 'DELETE', path }), { status: 200, body: { key: KEY, withdrawn: true, others_until: '2026-01-02T05:04:05.000Z' } })
})

t.test('withdrawing what was not announced is no error and says so', async t => {
  const socket = await startDaemon(t, { announcer: { ...fakePorts().announcer, withdraw: async () => undefined } })
  t.same(await fetchJson(socket, { method: 'DELETE', path: `/v1/providers/${CID}` }), { status: 200, body: { key: KEY, withdrawn: false } })
  t.match(await fetchJson(socket, { method: 'DELETE', path: '/v1/providers/x' }), { status: 400 })
})
