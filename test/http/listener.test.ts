import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import t from 'tap'
import { HttpListener } from '../../src/http/listener.ts'
import { createServer } from '../../src/http/server.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'

const log = createLogger({ level: 'silent' })

function create (listen: string, drainTimeoutMs = 10_000) {
  const app = createServer({ service: 'ops', inFlight: 10 }, { metrics: createMetrics().http, log, now: Date.now })
  const gate = Promise.withResolvers<void>()
  const entered = Promise.withResolvers<void>()
  app.get('/', async () => 'here')
  app.get('/slow', async () => {
    entered.resolve()
    await gate.promise
    return 'done'
  })
  const listener = new HttpListener({ service: 'ops', listen, drainTimeoutMs }, { app, log })
  return { listener, gate, entered }
}

t.test('a started listener serves at its address, and not after it stopped', async t => {
  const { listener } = create('127.0.0.1:0')
  t.throws(() => listener.address, /not started/)
  await listener.start()
  const { address } = listener
  t.match(address, /^http:\/\/127\.0\.0\.1:\d+$/)
  t.equal(await (await fetch(address)).text(), 'here')
  await listener.stop()
  await listener.stop()
  await t.rejects(fetch(address), { cause: { code: 'ECONNREFUSED' } })
})

t.test('IPv6 addresses are given in brackets', async t => {
  const { listener } = create('[::1]:0')
  try {
    await listener.start()
  } catch (err) {
    return t.match(err, { message: /does not have the address/ }, 'a machine without IPv6 is told so')
  }
  t.teardown(() => listener.stop())
  t.match(listener.address, /^http:\/\/\[::1\]:\d+$/)
  t.equal(await (await fetch(listener.address)).text(), 'here')
})

t.test('a port that is taken is reported with the setting to change', async t => {
  const first = create('127.0.0.1:0').listener
  await first.start()
  t.teardown(() => first.stop())
  const { host } = new URL(first.address)
  const second = create(host).listener
  await t.rejects(second.start(), { message: `cannot listen on ${host} (another program uses this port): change ops.listen`, cause: { code: 'EADDRINUSE' } })
  await second.stop()
})

t.test('other reasons are named too', async t => {
  await t.rejects(create('192.0.2.1:0').listener.start(), /does not have the address/)
  await t.rejects(create('127.0.0.1:99999').listener.start(), /ERR_SOCKET_BAD_PORT/)
})

t.test('stop lets a request in flight finish and closes idle connections at once', async t => {
  const { listener, gate, entered } = create('127.0.0.1:0')
  await listener.start()
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  await bodyOf(await ask(listener.address, agent)) // leaves an idle connection behind
  const slow = ask(`${listener.address}/slow`, agent)
  await entered.promise
  const stopped = listener.stop()
  gate.resolve()
  t.equal(await bodyOf(await slow), 'done')
  await stopped // not held up by connections kept alive
})

t.test('a request that does not finish in time is cut off', async t => {
  const { listener, gate, entered } = create('127.0.0.1:0', 1)
  await listener.start()
  const slow = fetch(`${listener.address}/slow`)
  slow.catch(() => {})
  await entered.promise
  await listener.stop()
  await t.rejects(slow, { cause: { code: /^(UND_ERR_SOCKET|ECONNRESET)$/ } })
  gate.resolve()
})

async function ask (url: string, agent: Agent): Promise<IncomingMessage> {
  const [response] = await once(get(url, { agent }), 'response')
  return response
}

async function bodyOf (response: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of response) body += chunk
  return body
}
