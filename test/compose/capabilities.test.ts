import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { AuditLog } from '../../src/audit/log.ts'
import { composeCapabilities } from '../../src/compose/capabilities.ts'
import type { Surroundings } from '../../src/compose/surroundings.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { ControlAction } from '../../src/core/control-action.ts'
import { Custody } from '../../src/kms/custody.ts'
import { EphemeralKeyStore } from '../../src/kms/key-store.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'

t.test('while the grants come back from the log nobody is let in: a revoked one is known before its revocation', async t => {
  const dataDir = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true }))
  const recorded: ControlAction[] = []
  const pause = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  const audit = {
    record: async (action: ControlAction) => { recorded.push(action) },
    reason: () => undefined,
    async * entries () {
      for (const action of recorded.slice()) {
        if (action.action === 'cap.revoke') {
          reached.resolve()
          await pause.promise
        }
        yield action
      }
    },
  } as unknown as AuditLog
  const custody = await Custody.open(new EphemeralKeyStore(Date.now))
  const config = loadConfig({ flags: { 'node.profile': 'macronode', 'node.dataDir': dataDir, 'identity.keyFile': join(dataDir, 'id'), 'identity.passphraseFile': join(dataDir, 'pass') } })
  const compose = () => composeCapabilities(config, { metrics: createMetrics(), log: createLogger({ level: 'silent' }), now: Date.now } as Surroundings, { audit, keys: { custody, last: true }, at: () => 0 })

  const before = compose()
  await before.owner.start()
  const { token, grant } = await before.grants.mint({ memo: 'leaver', allows: 'auditor', caveats: [], expiresAt: undefined }, 'operator')
  const { token: kept } = await before.grants.mint({ memo: 'stays', allows: 'auditor', caveats: [], expiresAt: undefined }, 'operator')
  await before.grants.revoke({ id: grant.id }, 'operator', 'left')
  await before.owner.stop()

  const after = compose()
  const attempt = { permission: 'status:read', ip: undefined, now: Date.now() } as const
  t.throws(() => after.authority.authorize(kept, attempt), { code: 'NotReady', retryAfterMs: 1000 }, 'before it starts')
  const starting = after.owner.start()
  await reached.promise
  t.ok(after.grants.list().some(({ id }) => id === grant.id), 'its mint was read, its revocation was not')
  for (const each of [token, kept]) t.throws(() => after.authority.authorize(each, attempt), { code: 'NotReady' })
  pause.resolve()
  await starting
  t.throws(() => after.authority.authorize(token, attempt), { code: 'NoCapability' })
  t.ok(after.authority.authorize(kept, attempt).id)
  await after.owner.stop()
})

t.test('who starts a macronode for the first time is told where the owner’s capability is, and not what it is', async t => {
  const dataDir = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true }))
  const lines: string[] = []
  const audit = { record: async () => {}, reason: () => undefined, async * entries () {} } as unknown as AuditLog
  const config = loadConfig({ flags: { 'node.profile': 'macronode', 'node.dataDir': dataDir, 'identity.keyFile': join(dataDir, 'id'), 'identity.passphraseFile': join(dataDir, 'pass') } })
  const surroundings = { metrics: createMetrics(), log: createLogger({ level: 'info' }, { write: line => { lines.push(line) } }), now: Date.now } as Surroundings
  const { owner } = composeCapabilities(config, surroundings, { audit, keys: { custody: await Custody.open(new EphemeralKeyStore(Date.now)), last: true }, at: () => 0 })
  await owner.start()
  await owner.stop()
  const file = join(dataDir, 'owner.cap')
  t.strictSame(lines.map(line => JSON.parse(line) as Record<string, unknown>).map(({ event, file }) => ({ event, file })), [{ event: 'owner_capability_written', file }])
  t.notOk(lines.join().includes(readFileSync(file, 'utf8').trim()))
})

t.test('a clock that is set back brings no capability back that has expired', async t => {
  const time = { wall: Date.parse('2026-01-01T00:00:00Z'), steady: 5000, governed: 0 }
  const custody = await Custody.open(new EphemeralKeyStore(() => time.wall))
  const audit = { record: async () => {}, reason: () => undefined, async * entries () {} } as unknown as AuditLog
  const surroundings = { metrics: createMetrics(), log: createLogger({ level: 'silent' }), now: () => time.wall, monotonic: () => time.steady } as Surroundings
  const { grants, authority, owner, now } = composeCapabilities(loadConfig({ flags: {} }), surroundings, { audit, keys: { custody, last: false }, at: () => time.governed })
  await owner.start()
  time.steady += 1.5
  t.equal(now(), time.wall + 1, 'in whole milliseconds, as the files and the log have them')
  const { token } = await grants.mint({ memo: 'an hour', allows: 'auditor', caveats: [], expiresAt: time.wall + 3_600_000 }, 'operator')
  const attempt = () => authority.authorize(token, { permission: 'status:read', ip: undefined, now: now() })
  t.ok(attempt().id)
  time.steady += 3_600_001 // and the clock stood still
  t.throws(attempt, { code: 'NoCapability' })
  t.notOk(grants.list().some(({ memo }) => memo === 'an hour'))
  time.wall -= 86_400_000
  t.throws(attempt, { code: 'NoCapability' })
  time.steady = 5000
  time.governed = Date.parse('2026-01-01T02:00:00Z')
  t.throws(attempt, { code: 'NoCapability' }, 'by what governance saw before a restart')
  await owner.stop()
})
