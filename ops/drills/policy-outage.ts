import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeMmdb } from '../../test/policy/mmdb.ts'
import { startReady, until } from './daemon-process.ts'
import type { Drill } from './drill.ts'

/** The database that a rule asks breaks: everybody is refused and the daemon is not ready, until the file is whole again. */
export const policyOutage: Drill = async (notes, stack) => {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-drill-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'country.mmdb')
  const put = (bytes: Uint8Array): void => {
    writeFileSync(`${path}.new`, bytes)
    renameSync(`${path}.new`, path)
  }
  const database = encodeMmdb('Test-Country', [{ prefix: '203.0.113.0/24', record: { country: { iso_code: 'CH' } } }])
  put(database)
  const daemon = await startReady(stack, { 'policy.denyCountries': 'CH', 'policy.countryDatabase': path, 'policy.databaseInterval': '100ms' })
  const lookup = async () => await fetch(`${daemon.started.public}/routing/v1/providers/b3:${'00'.repeat(32)}`)
  notes.expect('lookups are served before', (await lookup()).status === 200, 'not served')

  const brokenAt = performance.now()
  put(Buffer.from('not a database'))
  await until(async () => !await daemon.ready(), 'the daemon is not ready')
  notes.figure('noticed after ms', performance.now() - brokenAt)
  const readiness = await (await fetch(`${daemon.started.ops}/readyz`)).text()
  notes.expect('readiness names the policy', readiness.includes('"condition":"policy"'), readiness)
  const refused = await lookup()
  notes.expect('lookups are refused with 503 and Retry-After', refused.status === 503 && refused.headers.has('retry-after'), refused.status)
  const steering = await daemon.admin('GET', '/v1/status')
  notes.expect('the admin API refuses too', steering.status === 503, steering)
  const counted = await daemon.metric('rejected_total{reason="policy_down"}')
  notes.expect('refusals are counted', counted >= 2, counted)
  notes.expect('/healthz and /metrics go on', (await fetch(`${daemon.started.ops}/healthz`)).status === 200, 'refused')

  const mendedAt = performance.now()
  put(database)
  await until(async () => await daemon.ready(), 'the daemon is ready again')
  notes.figure('recovered after ms', performance.now() - mendedAt)
  notes.expect('lookups are served again', (await lookup()).status === 200, 'not served')
  notes.expect('and so is the admin API', (await daemon.admin('GET', '/v1/status')).status === 200, 'not served')
}
