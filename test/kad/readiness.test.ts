import t from 'tap'
import { joinAddress, startTestDaemon, startTestOverlay, until } from '../daemon.ts'
import { only } from '../patterns.ts'

interface Readiness { readonly status: number, readonly body: { readonly ready: boolean, readonly reasons: ReadonlyArray<{ readonly condition: string, readonly reason: string }> } }

async function readyz (opsUrl: string): Promise<Readiness> {
  const response = await fetch(`${opsUrl}/readyz`)
  return { status: response.status, body: await response.json() as Readiness['body'] }
}

t.test('a lone daemon is not ready and says what it misses', async t => {
  const daemon = await startTestDaemon(t)
  const { status, body } = await readyz(daemon.opsUrl)
  t.equal(status, 503)
  t.strictSame(body.reasons, [
    { condition: 'bootstrap', reason: 'no bootstrap peer is configured: set kad.bootstrap' },
    { condition: 'routing_table', reason: 'the routing table holds 0 of at least 1 peers' },
    { condition: 'self_lookup', reason: 'the look-up of our own ID has not run yet' },
  ])
})

t.test('a daemon whose bootstrap peer is another overlay’s is not ready', async t => {
  const stranger = await startTestDaemon(t, { flags: { 'kad.protocol': '/other/kad/1.0.0' } })
  const daemon = await startTestDaemon(t, { flags: { 'kad.bootstrap': joinAddress(stranger) } })
  await until(() => daemon.logs.some(({ msg }) => msg === 'bootstrap peer did not answer'), 'it was probed')
  t.match(await readyz(daemon.opsUrl), { status: 503, body: { reasons: only({ condition: 'bootstrap', reason: /^none of 1 bootstrap peers answered/ }, {}, {}) } })
})

t.test('readiness goes when the last bootstrap peer dies, says so, and comes back with it', async t => {
  const [daemon, other] = await startTestOverlay(t, 2)
  if (daemon === undefined || other === undefined) throw new Error('unreachable')
  t.match(await readyz(daemon.opsUrl), { status: 200, body: { ready: true, reasons: only() } })
  t.equal(await daemon.metric('ready_state{state="true"}'), 1)

  await other[Symbol.asyncDispose]()
  await until(async () => (await readyz(daemon.opsUrl)).status === 503, 'the daemon is not ready any more')
  t.match((await readyz(daemon.opsUrl)).body.reasons[0], { condition: 'bootstrap', reason: 'none of 1 bootstrap peers answered in the last 1 s' })
  t.equal(await daemon.metric('ready_state{state="true"}'), 0)

  const successor = await startTestDaemon(t, { flags: { 'kad.bootstrap': joinAddress(daemon) } })
  daemon.bootstrapFrom([joinAddress(successor)])
  await until(async () => (await readyz(daemon.opsUrl)).status === 200, 'the daemon is ready again')
})

t.test('a daemon that stops says so before it closes', async t => {
  const [daemon] = await startTestOverlay(t, 2)
  if (daemon === undefined) throw new Error('unreachable')
  const stopping = daemon[Symbol.asyncDispose]()
  t.strictSame(daemon.readiness().reasons[0], { condition: 'lifecycle', reason: 'the daemon is stopping' })
  await stopping
})
