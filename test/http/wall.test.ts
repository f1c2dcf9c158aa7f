import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { DhtError } from '../../src/core/errors.ts'
import { createServer } from '../../src/http/server.ts'
import { raiseWall, type WallDeps } from '../../src/http/wall.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { ROUTES, type Surface } from '../../src/policy/permissions.ts'
import { RateLimit } from '../../src/policy/rate-limit.ts'
import { WriteGate } from '../../src/policy/write-gate.ts'

const NOW = 1_000_000

/** Every route of the table on a server of its own, with a handler that counts. */
function build (t: Test, surface: Surface, deps: Partial<WallDeps> = {}, extraRoute?: string) {
  const metrics = createMetrics()
  const app = createServer({ service: surface, inFlight: 100 }, { metrics: metrics.http, log: createLogger({ level: 'silent' }), now: () => NOW })
  const order: string[] = []
  raiseWall(app, { surface }, {
    rate: new RateLimit({ perSecond: 1 }),
    authorizer: {
      authorize: (token, { permission }) => {
        order.push('auth')
        if (token !== `may-${permission.replace(':', '.')}`) throw new DhtError('NoCapability', 'No.', { reason: 'unauth' })
        return { id: permission, capabilityId: 'c1', bounds: [], conditions: [], isDischarged: false }
      },
    },
    policy: { assertAdmits: () => { order.push('policy') } },
    admission: { admit: () => { order.push('quota') } },
    writes: new WriteGate([]),
    onLapse: () => {},
    now: () => NOW,
    ...deps,
  })
  for (const row of [...Object.keys(ROUTES[surface]), ...extraRoute === undefined ? [] : [extraRoute]]) {
    const [method = '', url = ''] = row.split(' ')
    app.route({ method, url, handler: async () => { order.push('handler'); return {} } })
  }
  t.teardown(() => app.close())
  const rejected = async (reason: string) => (await metrics.rejected.get()).values.find(({ labels }) => labels.reason === reason)?.value ?? 0
  return { app, order, rejected }
}

/** Over a real connection, as the refusals of unread bodies need one. */
async function send (app: FastifyInstance, { method = 'GET', url, headers = {} }: { method?: string, url: string, headers?: Record<string, string>, payload?: unknown }) {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}${url}`, { method, headers })
  await response.arrayBuffer()
  return { statusCode: response.status, headers: { 'www-authenticate': response.headers.get('www-authenticate') ?? undefined, 'retry-after': response.headers.get('retry-after') ?? undefined } }
}

const pathOf = (url: string) => url.replaceAll(/:\w+/g, 'x').replace('*', '/anything')

for (const [row, access] of Object.entries(ROUTES.admin)) {
  t.test(`${row} admits nobody but with ${access}`, async t => {
    const [method = '', url = ''] = row.split(' ')
    const { app, order, rejected } = build(t, 'admin')
    const ask = async (headers: Record<string, string>) =>
      await send(app, { method: method as 'GET', url: pathOf(url), headers })
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'Basic may' }, { authorization: 'Bearer ' }, { authorization: 'Bearer a b' }]) {
      const reply = await ask(headers as Record<string, string>)
      t.equal(reply.statusCode, 403)
      t.equal(reply.headers['www-authenticate'], 'Bearer')
    }
    t.notOk(order.includes('handler'), 'nothing ran')
    t.notOk(order.includes('policy'), 'nor was the policy asked')
    t.equal(await rejected('unauth'), 5)
    order.length = 0
    const reply = await ask({ authorization: `bearer may-${access.replace(':', '.')}` })
    t.equal(reply.statusCode, 200)
    t.equal(reply.headers['www-authenticate'], undefined)
    t.strictSame(order, ['auth', 'policy', 'quota', 'handler'])
  })
}

t.test('public routes need no token, but the policy; ops routes need neither', async t => {
  const refuse = { policy: { assertAdmits: () => { throw new DhtError('NotReady', 'down', { reason: 'policy_down' as const }) } } }
  for (const row of Object.keys(ROUTES.public)) {
    const [method = '', url = ''] = row.split(' ')
    t.equal((await send(build(t, 'public').app, { method: method as 'GET', url: pathOf(url) })).statusCode, 200, row)
    const closed = build(t, 'public', refuse)
    const reply = await send(closed.app, { method: method as 'GET', url: pathOf(url) })
    t.equal(reply.statusCode, 503, row)
    t.ok(reply.headers['retry-after'])
    t.strictSame(closed.order, [])
  }
  for (const row of Object.keys(ROUTES.ops)) {
    const [, url = ''] = row.split(' ')
    t.equal((await send(build(t, 'ops', refuse).app, { method: 'GET', url })).statusCode, 200, row)
  }
})

t.test('a route without a row keeps the server from starting', async t => {
  const { app } = build(t, 'admin', {}, 'POST /v1/forgotten')
  await t.rejects(Promise.resolve(app.ready()), { message: /POST \/v1\/forgotten/ })
})

t.test('a quota storm gets 429 and Retry-After before any handler; another principal is served', async t => {
  const { app, order, rejected } = build(t, 'admin')
  const ask = async (permission: string, url: string) => await send(app, { url, headers: { authorization: `Bearer may-${permission.replace(':', '.')}` } })
  const codes = []
  for (let index = 0; index < 50; index++) codes.push((await ask('status:read', '/v1/status')).statusCode)
  t.equal(codes.filter(code => code === 200).length, 4)
  t.equal(codes.filter(code => code === 429).length, 46)
  t.equal(order.filter(step => step === 'handler').length, 4)
  t.equal(await rejected('http_rate'), 46)
  t.equal((await ask('status:read', '/v1/status')).headers['retry-after'], '1')
  t.equal((await ask('peer:read', '/v1/peers')).statusCode, 200)
})

t.test('a caveat lowers the rate and never raises it', async t => {
  const serve = async (requestsPerSecond: number) => {
    const { app } = build(t, 'admin', { authorizer: { authorize: () => ({ id: 'a', capabilityId: 'c', bounds: [{ party: 'narrow', perSecond: requestsPerSecond }], conditions: [], isDischarged: false }) } })
    let served = 0
    for (let index = 0; index < 20; index++) if ((await send(app, { url: '/v1/status', headers: { authorization: 'Bearer x' } })).statusCode === 200) served++
    return served
  }
  t.equal(await serve(0.5), 2)
  t.equal(await serve(1000), 4)
})

t.test('who sends no good capability on and on is refused with 429, and who has one is served all the same', async t => {
  const { app, order, rejected } = build(t, 'admin')
  const status = async (token: string) => await send(app, { url: '/v1/status', headers: { authorization: `Bearer ${token}` } })
  for (let index = 0; index < 400; index++) t.equal((await status('wrong')).statusCode, 403)
  const beyond = await status('wrong')
  t.equal(beyond.statusCode, 429)
  t.equal(beyond.headers['retry-after'], '1')
  t.equal(await rejected('unauth'), 400)
  t.equal(await rejected('http_rate'), 1)
  t.notOk(order.includes('handler'))
  t.equal((await status('may-status.read')).statusCode, 200)
})

t.test('while nobody can be let in, that costs nobody a try', async t => {
  const { app } = build(t, 'admin', { authorizer: { authorize: () => { throw new DhtError('NotReady', 'Not yet.', { reason: 'audit' }) } } })
  for (let index = 0; index < 420; index++) t.equal((await send(app, { url: '/v1/status' })).statusCode, 503)
})

t.test('who was handed a narrower capability cannot use up the wider one, nor more than the narrower by narrowing on', async t => {
  const bounds: Readonly<Record<string, ReadonlyArray<{ party: string, perSecond: number }>>> = {
    wide: [], narrow: [{ party: 'n', perSecond: 2 }], narrower: [{ party: 'n', perSecond: 2 }, { party: 'nn', perSecond: 1 }],
  }
  const { app } = build(t, 'admin', {
    rate: new RateLimit({ perSecond: 10 }),
    authorizer: { authorize: token => ({ id: 'a', capabilityId: 'a', bounds: bounds[token ?? ''] ?? [], conditions: [], isDischarged: false }) },
  })
  const served = async (token: string, times: number) => {
    let count = 0
    for (let index = 0; index < times; index++) if ((await send(app, { url: '/v1/status', headers: { authorization: `Bearer ${token}` } })).statusCode === 200) count++
    return count
  }
  t.equal(await served('narrower', 100), 4)
  t.equal(await served('narrow', 100), 4, 'what is left of 8')
  t.equal(await served('wide', 100), 32, 'what is left of 40')
})

t.test('in degraded mode writes get 503 with the reason, reads and the way out are served', async t => {
  const writes = new WriteGate([{ kind: 'degraded', reason: () => 'disk swap' }])
  const { app } = build(t, 'admin', { writes })
  const ask = async (method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: string, permission: string) =>
    (await send(app, { method, url, headers: { authorization: `Bearer may-${permission.replace(':', '.')}` } })).statusCode
  t.equal(await ask('POST', '/v1/providers', 'provider:write'), 503)
  t.equal(await ask('DELETE', '/v1/providers/x', 'provider:delete'), 503)
  t.equal(await ask('GET', '/v1/records/x', 'record:read'), 200)
  t.equal(await ask('PUT', '/v1/ops/degraded', 'ops:degraded'), 200)
})

t.test('two Authorization headers are refused, whatever they hold', async t => {
  const { app, order } = build(t, 'admin')
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  const { request } = await import('node:http')
  const status = await new Promise(resolve => {
    request({ port, host: '127.0.0.1', path: '/v1/status', agent: false, headers: ['Host', 'x', 'Authorization', 'Bearer may-status.read', 'Authorization', 'Bearer other'] }, response => {
      response.resume()
      resolve(response.statusCode)
    }).end()
  })
  t.equal(status, 400)
  t.strictSame(order, [])
})
