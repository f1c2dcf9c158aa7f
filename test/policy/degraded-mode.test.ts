import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { ControlAction } from '../../src/core/control-action.ts'
import { DhtError } from '../../src/core/errors.ts'
import { FileDegradation, ForgottenDegradation } from '../../src/policy/degradation-store.ts'
import { DegradedMode } from '../../src/policy/degraded-mode.ts'
import { WritableAdmission, WriteGate } from '../../src/policy/write-gate.ts'

const BY = { reason: 'disk swap', actor: 'ops-1', opId: '1' }

function recorder () {
  const recorded: ControlAction[] = []
  return { recorded, record: async (action: ControlAction) => ({ seq: recorded.push(action), ts: 42 }) }
}

t.test('writes are refused from on to off, each recorded once', async t => {
  const actions = recorder()
  const mode = new DegradedMode({ store: new ForgottenDegradation(), actions })
  const kinds: string[] = []
  const admission = new WritableAdmission({ admit: kind => { kinds.push(kind) } }, new WriteGate([mode]))
  await mode.start()
  admission.admit('provide')
  await Promise.all([mode.turn(true, BY), mode.turn(true, BY)])
  t.same(mode.current, { reason: 'disk swap', actor: 'ops-1', since: 42 })
  t.throws(() => admission.admit('provide'), { code: 'NotReady', reason: 'degraded', message: /disk swap/ })
  admission.admit('lookup')
  await mode.turn(false, BY)
  admission.admit('provide')
  t.same(actions.recorded.map(({ action }) => action), ['degraded.on', 'degraded.off'])
  t.same(kinds, ['provide', 'provide', 'lookup', 'provide'], 'load is asked first')
})

t.test('what the log or the disk does not take, does not take effect', async t => {
  const deaf = { record: async () => { throw new DhtError('DegradedAudit', 'full') } }
  const mode = new DegradedMode({ store: new ForgottenDegradation(), actions: deaf })
  await t.rejects(mode.turn(true, BY), { code: 'DegradedAudit' })
  t.equal(mode.current, undefined)
  const full = new DegradedMode({ store: { load: async () => undefined, save: async () => { throw new DhtError('StoreUnavailable', 'full') } }, actions: recorder() })
  await t.rejects(full.turn(true, BY), { code: 'StoreUnavailable' })
  t.equal(full.current, undefined)
})

t.test('it survives a restart; a file that cannot be read keeps the daemon from starting', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const open = async () => {
    const mode = new DegradedMode({ store: new FileDegradation(folder), actions: recorder() })
    await mode.start()
    return mode
  }
  await (await open()).turn(true, BY)
  const restarted = await open()
  t.equal(restarted.current?.reason, 'disk swap')
  await restarted.turn(false, BY)
  t.equal((await open()).current, undefined)
  t.same(readdirSync(folder), [])
  writeFileSync(join(folder, 'degraded.json'), '{"reason":')
  await t.rejects(open(), { code: 'StoreUnavailable' })
})
