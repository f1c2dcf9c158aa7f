import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { DhtError } from '../../src/core/errors.ts'
import { MAX_TOKEN_BYTES } from '../../src/core/limits.ts'
import { createServer, type Service } from '../../src/http/server.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { only } from '../patterns.ts'
import { sendBytes } from './support/raw.ts'

t.setTimeout(180_000)

const NOW = Date.UTC(2026, 0, 1)

type Server = Awaited<ReturnType<typeof start>>

async function start (t: Test, { service = 'admin', inFlight = 10, level = 'trace', now = () => NOW, routes }: { service?: Service, inFlight?: number, level?: 'trace' | 'info', now?: () => number, routes?: (app: FastifyInstance) => void } = {}) {
  const metrics = createMetrics()
  const logged: Array<Record<string, unknown>> = []
  const log = createLogger({ level }, { write: line => { logged.push(JSON.parse(line)) } })
  const app = createServer({ service, inFlight }, { metrics: metrics.http, log, now })
  app.get('/things/:name', async () => ({ ok: true }))
  app.post('/things', async request => request.body)
  routes?.(app)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => {
    app.server.closeAllConnections()
    return app.close()
  })
  const rejected = async (reason: string) => {
    const counter = metrics.registry.getSingleMetric('rejected_total')
    return (await counter?.get())?.values.find(({ labels }) => labels.reason === reason)?.value ?? 0
  }
  return { url, app, metrics, logged, rejected }
}

async function refusal (server: Server, path: string, init?: RequestInit) {
  const response = await fetch(server.url + path, init)
  return { status: response.status, headers: response.headers, body: await response.json() as Record<string, unknown> }
}

t.test('a failure of ours arrives as its status and the one error body', async t => {
  const server = await start(t, {
    routes: app => app.get('/fail', async () => { throw new DhtError('Conflict', 'It changed.', { hint: 'Read it again.', cause: new Error('secret') }) }),
  })
  const { status, headers, body } = await refusal(server, '/fail')
  t.equal(status, 409)
  t.strictSame(body, { error: { code: 'Conflict', message: 'It changed.', retryable: false, hint: 'Read it again.', ts: '2026-01-01T00:00:00.000Z', request_id: headers.get('x-request-id') } })
  t.equal(headers.get('cache-control'), 'no-store')
})

t.test('a bug tells the client nothing and the log everything', async t => {
  const server = await start(t, { routes: app => app.get('/bug', async () => { throw new Error('password is hunter2') }) })
  const { status, headers, body } = await refusal(server, '/bug')
  t.equal(status, 500)
  t.match(body, { error: { code: 'Internal', retryable: false } })
  t.notMatch(JSON.stringify(body), 'hunter2')
  const line = server.logged.find(({ msg }) => msg === 'request failed')
  t.match(line, { level: 'error', event: 'request_failed', request_id: headers.get('x-request-id') })
  t.match(JSON.stringify(line), 'hunter2')
})

t.test('a request id is ours alone and is in every log line of the request', async t => {
  const server = await start(t)
  const response = await fetch(`${server.url}/things/x`, { headers: { 'x-request-id': 'forged' } })
  const id = response.headers.get('x-request-id')
  t.match(id, /^[0-9a-f-]{36}$/)
  await response.text()
  await closed(server)
  t.match(server.logged.filter(({ msg }) => msg === 'request'), only({ request_id: id, route: '/things/:name', status: '200' }))
})

t.test('strangers cannot fill the log: a few lines tell of them, and how many were left out', async t => {
  const clock = { now: NOW }
  const server = await start(t, { level: 'info', now: () => clock.now })
  const lines = () => server.logged.filter(({ event }) => event === 'request')
  for (let index = 0; index < 100; index++) await refusal(server, '/nothing')
  await closed(server)
  t.equal(lines().length, 20)
  clock.now += 1000
  await refusal(server, '/nothing')
  await closed(server)
  t.match(lines().at(-1), { status: '404', reason: 'http_path', untold: 80 })
  t.equal(lines().filter(({ untold }) => untold !== undefined).length, 1)
  t.equal(await server.rejected('http_path'), 101, 'all are counted')
})

t.test('a refusal writes a line only when something behind it failed: whatever a client does, that it cannot bring about', async t => {
  const refused = (cause: Error) => async () => { throw new DhtError('BadRequest', 'Not this one.', { cause }) }
  const server = await start(t, {
    service: 'public',
    level: 'info',
    routes: app => {
      app.get('/stale', refused(new DhtError('Conflict', 'There is a newer one.')))
      app.get('/broken', refused(new Error('the disk')))
    },
  })
  for (const path of ['/stale', '/broken']) await refusal(server, path)
  await closed(server)
  t.match(server.logged, only({ event: 'request_refused', err: { message: 'Not this one.: the disk' } }))
})

t.test('what is retryable says when to retry', async t => {
  const server = await start(t, {
    routes: app => {
      app.get('/busy', async () => { throw new DhtError('Backpressure', 'Busy.', { retryAfterMs: 2500, reason: 'http_lookup' }) })
      app.get('/starting', async () => { throw new DhtError('NotReady', 'Starting.') })
    },
  })
  const busy = await refusal(server, '/busy')
  t.equal(busy.status, 429)
  t.equal(busy.headers.get('retry-after'), '3')
  t.match(busy.body, { error: { retryable: true } })
  const starting = await refusal(server, '/starting')
  t.equal(starting.status, 503)
  t.equal(starting.headers.get('retry-after'), '1')
  t.equal(await server.rejected('http_lookup'), 1)
})

t.test('what the framework refuses has our codes and our body too', async t => {
  const server = await start(t)
  const json = { 'content-type': 'application/json' }
  for (const [init, path, status, code, reason] of [
    [{ method: 'POST', body: '{', headers: json }, '/things', 400, 'BadRequest', 'http_body'],
    [{ method: 'POST', body: '{"__proto__":{}}', headers: json }, '/things', 400, 'BadRequest', 'http_body'],
    [{ method: 'POST', body: 'x', headers: { 'content-type': 'application/unheard-of' } }, '/things', 415, 'Unsupported', 'http_type'],
    [{ method: 'POST', body: JSON.stringify('x'.repeat(1024 * 1024)), headers: json }, '/things', 413, 'TooLarge', 'http_body'],
    [{}, '/things/%zz', 400, 'BadRequest', 'http_path'],
    [{}, `/things/${'x'.repeat(5000)}`, 414, 'TooLarge', 'http_path'],
    [{}, '/nothing', 404, 'NotFound', 'http_path'],
    [{ method: 'DELETE' }, '/things/x', 405, 'Unsupported', 'http_method'],
    [{ method: 'PROPFIND' }, '/things/x', 405, 'Unsupported', 'http_method'],
  ] as const) {
    const before = await server.rejected(reason)
    const answer = await refusal(server, path, init)
    if (reason === 'http_body' && code === 'BadRequest') t.match(answer.body, { error: { hint: /JSON/ } })
    t.match(answer, { status, body: { error: { code, request_id: answer.headers.get('x-request-id') } } }, `${path.slice(0, 20)} → ${status}`)
    t.equal(await server.rejected(reason), before + 1)
  }
})

t.test('what a request expects beyond 100-continue is refused like anything else, and counted', async t => {
  const server = await start(t)
  const ask = (expect: string) => sendBytes(server.url, `POST /things HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: ${expect}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`)
  t.match(await ask('the-impossible'), /^HTTP\/1.1 417 [^]*"code":"Unsupported".*"hint"/)
  t.equal(await server.rejected('http_header'), 1)
  t.match(await ask('100-continue'), /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK/)
})

t.test('a client that leaves in the middle of its body is no failure of ours', async t => {
  const server = await start(t)
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.write('POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a"')
  await once(server.app.server, 'request')
  socket.destroy()
  await closed(server)
  t.strictSame(server.logged.filter(({ level }) => level !== 'debug' && level !== 'info' && level !== 'trace'), [])
  t.match((await server.metrics.http.requests.get()).values, only({ labels: { code: 'aborted' } }))
})

t.test('a client that is still sending when it is refused gets to read why, and is ended soon if it goes on', async t => {
  const { url } = await start(t)
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  t.teardown(() => { socket.destroy() })
  let answer = ''
  socket.setEncoding('utf8').on('data', (part: string) => { answer += part }).on('error', () => {})
  socket.write('POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n')
  const sending = setInterval(() => socket.write('a'.repeat(65_536)), 10)
  await new Promise(resolve => socket.once('close', resolve)) // a reset may come before it, once the answer is read
  clearInterval(sending)
  t.match(answer, /^HTTP\/1.1 413 .*"TooLarge"/s)
  t.notMatch(answer, /HTTP\/1.1.*HTTP\/1.1/s)
})

t.test('schema mistakes and impossible lengths are the client’s', async t => {
  const server = await start(t, {
    routes: app => app.post('/strict', { schema: { body: { type: 'object', required: ['key'] } } }, async () => ({})),
  })
  const mistake = await refusal(server, '/strict', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })
  t.match(mistake, { status: 400, body: { error: { code: 'BadRequest', message: /key/ } } })
  const empty = await refusal(server, '/strict', { method: 'POST', headers: { 'content-type': 'application/json', 'content-length': '0' } })
  t.match(empty, { status: 400, body: { error: { code: 'BadRequest' } } })
})

t.test('the public listener answers 400 for an unknown path and 501 for an unsupported method', async t => {
  const server = await start(t, { service: 'public' })
  t.match(await refusal(server, '/nothing?x=1'), { status: 400, body: { error: { code: 'BadRequest' } } })
  t.match(await refusal(server, '/things/x?x=1', { method: 'DELETE' }), { status: 501, body: { error: { code: 'Unsupported', hint: 'Supported: GET, HEAD.' } } })
})

t.test('what is not HTTP, or has no end, is answered and closed without a word of it in the log', async t => {
  const server = await start(t)
  const garbage = await sendBytes(server.url, 'GET / HTTP/1.1\r\nAuthorization: hunter2\r\nbroken\r\n\r\n')
  t.match(garbage, /^HTTP\/1\.1 400 Bad Request\r\n/)
  t.match(JSON.parse(garbage.slice(garbage.indexOf('\r\n\r\n'))), { error: { code: 'BadRequest', request_id: String } })
  const long = await sendBytes(server.url, `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)
  t.match(long, /^HTTP\/1\.1 431 .*"code":"BadRequest".*"hint"/s)
  t.notMatch(JSON.stringify(server.logged), 'hunter2')
  t.equal(await server.rejected('decode'), 1)
  const admin = await start(t, { service: 'admin' })
  const headersOf = (sizeBytes: number) => `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${'x'.repeat(sizeBytes)}\r\n\r\n`
  t.match(await sendBytes(admin.url, headersOf(9 * 1024)), /^HTTP\/1\.1 431 .*larger than 9 KiB/s, 'the admin API takes half as much')
  t.notMatch(await sendBytes(admin.url, headersOf(MAX_TOKEN_BYTES)), /^HTTP\/1\.1 431 /)
})

t.test('a request that takes too long to arrive is refused', async t => {
  const server = await start(t)
  t.match(server.app.server, { requestTimeout: 5000, headersTimeout: 5000, keepAliveTimeout: 60_000, timeout: 60_000 })
  server.app.server.headersTimeout = server.app.server.requestTimeout = 1
  const said = await sendBytes(server.url, 'GET /things/x HTTP/1.1\r\nHost: x\r\n')
  t.match(said, /^HTTP\/1\.1 408 .*"code":"Timeout","message":"The request did not arrive within 5 seconds\."/s)
  t.equal(await server.rejected('slow'), 1)
})

t.test('a connection that was reset is not answered', async t => {
  const server = await start(t)
  const socket = new Socket()
  server.app.server.emit('clientError', Object.assign(new Error('reset'), { code: 'ECONNRESET' }), socket)
  t.ok(socket.destroyed)
})

t.test('beyond the limit of requests in flight a request is shed, and the next one is served again', async t => {
  const gate = Promise.withResolvers<void>()
  const entered = Promise.withResolvers<void>()
  const server = await start(t, {
    inFlight: 1,
    routes: app => app.get('/slow', async () => {
      entered.resolve()
      await gate.promise
      return 'done'
    }),
  })
  const slow = fetch(`${server.url}/slow`)
  await entered.promise
  const shed = await refusal(server, '/things/x')
  t.match(shed, { status: 503, body: { error: { code: 'Backpressure', retryable: true } } })
  t.ok(shed.headers.get('retry-after'))
  t.equal(await server.rejected('http_inflight'), 1)
  gate.resolve()
  await (await slow).text()
  await closed(server)
  t.equal((await fetch(`${server.url}/things/x`)).status, 200)
})

t.test('one connection that sends on and reads nothing keeps nobody else out', async t => {
  const server = await start(t, { inFlight: 32, routes: app => app.get('/long', async () => 'x'.repeat(100_000)) })
  for (const path of ['/long', '/nothing']) {
    const before = await server.rejected('http_inflight')
    const greedy = connect(Number(new URL(server.url).port), '127.0.0.1')
    greedy.on('error', () => {}).pause()
    await once(greedy, 'connect')
    greedy.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(500))
    while (await server.rejected('http_inflight') === before) await new Promise(resolve => setImmediate(resolve))
    const answer = await fetch(`${server.url}/things/x`)
    t.equal(answer.status, 200, `after ${path}`)
    await answer.text()
    await closed(server)
    greedy.destroy()
  }
})

t.test('a few requests may be sent ahead of their answers, which come in order', async t => {
  const server = await start(t, { inFlight: 100 })
  const ahead = Array.from({ length: 16 }, (_, index) => `GET /things/${index} HTTP/1.1\r\nHost: x\r\n${index === 15 ? 'Connection: close\r\n' : ''}\r\n`)
  const said = await sendBytes(server.url, ahead.join(''))
  t.equal(said.split('HTTP/1.1 200 OK').length - 1, 16)
  t.equal(await server.rejected('http_inflight'), 0)
})

t.test('a complete answer that nobody reads loses its place soon', async t => {
  const server = await start(t, { inFlight: 1, routes: app => app.get('/huge', async () => Buffer.alloc(32 * 1024 * 1024)) })
  const lazy = connect(Number(new URL(server.url).port), '127.0.0.1')
  lazy.on('error', () => {}).pause()
  lazy.write('GET /huge HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(server.app.server, 'request')
  const begun = performance.now()
  const status = async (): Promise<number> => {
    const answer = await fetch(`${server.url}/things/x`)
    await answer.text()
    return answer.status
  }
  t.equal(await status(), 503)
  while (await status() !== 200 && performance.now() - begun < 30_000) await new Promise(resolve => setTimeout(resolve, 100))
  const tookMs = performance.now() - begun
  t.ok(tookMs > 3000 && tookMs < 15_000, `${tookMs} ms`)
  lazy.destroy()
})

t.test('requests are counted by route pattern, never by what a client typed', async t => {
  const server = await start(t)
  for (const path of ['/things/a', '/things/b', '/what/ever']) await (await fetch(server.url + path)).text()
  await closed(server)
  const { values } = await server.metrics.http.requests.get()
  t.strictSame(values.map(({ labels, value }) => [labels.service, labels.route, labels.code, value]), [
    ['admin', '/things/:name', '200', 2], ['admin', 'unmatched', '404', 1],
  ])
})

t.test('a client that leaves is counted as such', async t => {
  const entered = Promise.withResolvers<void>()
  const server = await start(t, {
    routes: app => app.get('/slow', async (_request, reply) => {
      entered.resolve()
      await once(reply.raw, 'close')
    }),
  })
  const gone = new AbortController()
  const request = fetch(`${server.url}/slow`, { signal: gone.signal })
  await entered.promise
  gone.abort()
  await t.rejects(request, { name: 'AbortError' })
  await closed(server)
  t.match((await server.metrics.http.requests.get()).values, only({ labels: { code: 'aborted' } }))
})

/** Until the server has seen the end of every request: the gauge is set in the handler of that very event. */
async function closed ({ metrics }: Server): Promise<void> {
  for (;;) {
    const { values } = await metrics.http.inFlight.get()
    if (values.every(({ value }) => value === 0)) return
    await new Promise(resolve => setImmediate(resolve))
  }
}
