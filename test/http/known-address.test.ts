import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import t from 'tap'
import { createServer } from '../../src/http/server.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { startTestDaemon, until } from '../daemon.ts'

/** Sends a request and resets the connection at once: the kernel forgets whose it was before the server reads it. */
async function sendAndReset (port: number, path: string): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`, () => socket.resetAndDestroy())
  await once(socket, 'close')
}

t.test('a request whose connection is reset already still has the address it came from', async t => {
  const app = createServer({ service: 'public', inFlight: 100 }, { metrics: createMetrics().http, log: createLogger({ level: 'silent' }), now: Date.now })
  const seen: Array<string | undefined> = []
  app.addHook('onRequest', async request => { seen.push(request.ip as string | undefined) })
  app.get('/', async () => 'x')
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => { await app.close() })
  const { port } = app.server.address() as AddressInfo
  const answered = await fetch(`http://127.0.0.1:${port}/`)
  await answered.text()
  await Promise.all(Array.from({ length: 50 }, async () => { await sendAndReset(port, '/') }))
  await (await fetch(`http://127.0.0.1:${port}/`)).text() // the server has seen what came before
  t.ok(seen.length >= 2)
  t.strictSame([...new Set(seen)], ['127.0.0.1'])
})

t.test('whom the policy denies gets nothing done by resetting the connection', async t => {
  const { publicUrl, metric } = await startTestDaemon(t, { flags: { 'policy.denyPrefixes': '127.0.0.0/8' } })
  const { port } = new URL(publicUrl)
  await Promise.all(Array.from({ length: 50 }, async () => { await sendAndReset(Number(port), '/openapi.json') }))
  t.equal((await fetch(`${publicUrl}/openapi.json`)).status, 403)
  await until(async () => await metric('http_requests_total{service="public",route="/openapi.json",code="403"}') === 1, 'the last one is counted')
  const aborted = await metric('http_requests_total{service="public",route="/openapi.json",code="aborted"}')
  t.equal(await metric('rejected_total{reason="policy_ip"}'), aborted + 1, 'each that was read was refused')
})
