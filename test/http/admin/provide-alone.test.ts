import t from 'tap'
import { askAdmin } from '../../admin.ts'
import { joinAddress, startTestDaemon, until } from '../../daemon.ts'
import { only } from '../../patterns.ts'

const KEY = `b3:${'aa'.repeat(32)}`

t.test('a daemon without any peer refuses to provide at once, says why, and leaves nothing behind', async t => {
  const silent = { 'kad.bootstrap': '/ip4/127.0.0.1/tcp/1/p2p/12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf' }
  for (const [flags, why] of [[{}, /no bootstrap peer is configured/], [silent, /none of 1 bootstrap peers answered/]] as const) {
    const { adminSocket, metric } = await startTestDaemon(t, { flags })
    await askAdmin(adminSocket, 'GET', '/v1/status') // what is loaded at the first request is not what is measured
    const begun = performance.now()
    t.match(await askAdmin(adminSocket, 'POST', '/v1/providers', { key: KEY }), { status: 503, body: { error: { code: 'NotReady', message: why } } })
    t.ok(performance.now() - begun < 1000, 'within a second')
    t.match(await askAdmin(adminSocket, 'GET', `/v1/records/${encodeURIComponent(KEY)}`), { status: 200, body: { records: only() } })
    t.match(await askAdmin(adminSocket, 'GET', '/v1/audit/entries?action=provider.write'), { status: 200, body: { entries: only() } })
    t.equal(await metric('svc_dht_kad_announced_keys'), 0)
  }
})

t.test('as soon as a bootstrap peer has joined it provides', async t => {
  const [one, other] = [await startTestDaemon(t), await startTestDaemon(t)]
  t.equal((await askAdmin(one.adminSocket, 'POST', '/v1/providers', { key: KEY })).status, 503)
  one.bootstrapFrom([joinAddress(other)])
  await until(() => one.readiness().ready, 'it is ready')
  t.match(await askAdmin(one.adminSocket, 'POST', '/v1/providers', { key: KEY }), { status: 200, body: { reached: 1 } })
})
