import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createEphemeralIdentity } from '../../src/kms/identity.ts'
import { askAdmin } from '../admin.ts'
import { startTestDaemon } from '../daemon.ts'

t.test('switching degraded mode is in the audit log before it is in force, and outlasts the daemon', async t => {
  const folder = t.testdir()
  const flags = { 'node.profile': 'macronode', 'node.dataDir': join(folder, 'data') }
  const identity = createEphemeralIdentity()
  const first = await startTestDaemon(t, { flags, identity })
  const on = { on: true, reason: 'disk swap in rack 4' }
  t.equal((await askAdmin(first.adminSocket, 'PUT', '/v1/ops/degraded', on)).status, 200)
  const pending = join(folder, 'data', 'audit', 'pending')
  const entries = readdirSync(pending).map(name => readFileSync(join(pending, name), 'latin1')).join('')
  t.match(entries, '"action":"degraded.on"')
  t.match(entries, 'disk swap in rack 4')
  t.equal(first.readiness().degraded, 'disk swap in rack 4')
  await first[Symbol.asyncDispose]()

  const second = await startTestDaemon(t, { flags, identity })
  const refused = await askAdmin(second.adminSocket, 'POST', '/v1/providers', { key: `b3:${'0'.repeat(64)}` })
  t.equal(refused.status, 503)
  t.match(refused.body, { error: { code: 'NotReady', message: /disk swap in rack 4/ } })
  t.equal(await second.metric('rejected_total{reason="degraded"}'), 1)
})

t.test('while the audit log takes no entry, writes are refused and degraded mode stays as it was', async t => {
  const folder = t.testdir()
  const daemon = await startTestDaemon(t, { flags: { 'node.profile': 'macronode', 'node.dataDir': join(folder, 'data') } })
  rmSync(join(folder, 'data', 'audit.mark'), { force: true })
  rmSync(join(folder, 'data', 'audit'), { recursive: true, force: true })
  const refused = await askAdmin(daemon.adminSocket, 'PUT', '/v1/ops/degraded', { on: true, reason: 'x' })
  t.equal(refused.status, 503)
  t.match(refused.body, { error: { code: 'DegradedAudit' } })
  t.equal(daemon.readiness().degraded, undefined)
  t.equal((await askAdmin(daemon.adminSocket, 'POST', '/v1/providers', { key: `b3:${'0'.repeat(64)}` })).status, 503)
  t.equal(await daemon.metric('rejected_total{reason="audit"}'), 1)
  t.equal((await askAdmin(daemon.adminSocket, 'GET', '/v1/status')).status, 200)
})
