import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { LogPatrol } from '../../src/audit/patrol.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { createEphemeralNoteKeys } from '../../src/kms/note-keys.ts'
import { action, createLog, diskStorage, fill, KEYS, NOW, tempFolder } from './logs.ts'

/** All turns of a pass, with something done before the numbered one. */
async function pass (log: { verifyAgain (): AsyncGenerator<number, number | undefined> }, before: (turn: number) => Promise<void> = async () => {}): Promise<{ readonly turns: readonly number[], readonly end: number | undefined }> {
  const turns: number[] = []
  const verifying = log.verifyAgain()
  for (;;) {
    await before(turns.length)
    const { done, value } = await verifying.next()
    if (done === true) return { turns, end: value }
    turns.push(value)
  }
}

for (const [what, path, fault] of [
  ['an entry', 'tile/entries/000', 'entry'], ['a leaf', 'tile/0/000', 'entry|tile'], ['a tile of hashes', 'tile/1/000.p/2', 'tile'],
  ['a bundle at the edge', 'tile/entries/002.p/88', 'entry'], ['the checkpoint', 'checkpoint', 'checkpoint|signature|root'], ['an entry that waits for a checkpoint', 'pending/600', 'pending'],
] as const) {
  t.test(`${what} that is altered while the log runs stops it, as at a start`, async t => {
    const folder = tempFolder(t)
    const { log, metrics } = createLog(diskStorage(folder))
    await log.start()
    await fill(log, 600)
    await log.publish()
    await fill(log, 3, 600)
    t.strictSame(await pass(log), { turns: [256, 512], end: 600 })
    t.equal(log.reason(), undefined)
    const file = join(folder, 'log', path)
    const bytes = readFileSync(file)
    const at = path === 'checkpoint' ? bytes.indexOf('\n', bytes.indexOf('600')) + 5 : bytes.byteLength - 40
    bytes[at] = (bytes[at] ?? 0) ^ 1
    writeFileSync(file, bytes)
    t.equal((await pass(log)).end, undefined)
    t.match(log.reason(), /^the audit log takes no entries: /)
    await t.rejects(log.record(action(1)), { code: 'DegradedAudit' })
    t.match(await metrics.registry.metrics(), new RegExp(`audit_integrity_failed_total\\{reason="(${fault})"\\} 1`))
    t.strictSame((await pass(log)).turns, [], 'nothing more to find')
    await log.stop()
  })
}

for (const [what, damage, fault] of [
  ['gone', (file: string) => rmSync(file), 'unmarked'],
  ['an older one', (file: string, older: Uint8Array) => writeFileSync(file, older), 'replaced'],
  ['none any more', (file: string) => writeFileSync(file, 'x'), 'replaced'],
] as const) {
  t.test(`a high-water mark that is ${what} while the log runs is found, idle or not, before a restart would go by it`, async t => {
    const [folder, idleFolder] = [tempFolder(t), tempFolder(t)]
    for (const at of [folder, idleFolder]) {
      const { log, metrics } = createLog(diskStorage(at))
      await log.start()
      await fill(log, 3)
      const older = readFileSync(join(at, 'log.mark'))
      await fill(log, 3, 3)
      await log.publish()
      t.equal((await pass(log)).end, 6)
      if (at === folder) renameSync(join(at, 'log.mark'), join(at, 'kept'))
      if (at !== folder || what !== 'gone') damage(join(at, 'log.mark'), older)
      if (at === folder) t.match(await log.record(action(6)), { seq: 6 }, 'it is on disk')
      else t.equal((await pass(log)).end, undefined)
      t.match(log.reason(), /mark/)
      await t.rejects(log.record(action(7)), { code: 'DegradedAudit' })
      t.match(await metrics.registry.metrics(), `audit_integrity_failed_total{reason="${at === folder ? 'replaced' : fault}"} 1`)
      await log.stop()
    }
  })
}

t.test('a log that grows, signs anew and changes its keys while it is verified again is as it should be', async t => {
  const { log } = createLog(diskStorage(tempFolder(t)))
  await log.start()
  t.equal((await pass(log)).end, 0)
  await fill(log, 700)
  await log.publish()
  const { end } = await pass(log, async turn => {
    await fill(log, 100, 1000 * (turn + 1))
    if (turn % 2 === 0) await log.publish()
    if (turn === 1) await log.rotateKeys(createEphemeralNoteKeys(KEYS[0]?.name ?? ''), { actor: 'sec-1', reason: 'yearly' })
  })
  t.strictSame([log.reason(), end], [undefined, log.head().published])
  await log.stop()
})

t.test('a pass takes as long as it is told, never more than its share of the time, and ends with the daemon', async t => {
  let elapsedMs = 0
  let workMs = 1
  const pauses: number[] = []
  const ended = Promise.withResolvers<void>()
  const log = {
    head: () => ({ published: 900 }),
    async * verifyAgain (): AsyncGenerator<number, number | undefined> {
      for (const size of [256, 512, 768]) {
        elapsedMs += workMs
        yield size
      }
      workMs = 1000
      elapsedMs += 1
      return 900
    },
  }
  const metrics = createMetrics()
  const patrol = new LogPatrol({ passMs: 4000, share: 0.01 }, {
    log,
    metrics: metrics.audit,
    logger: createLogger({ level: 'silent' }),
    now: () => NOW,
    elapsed: () => elapsedMs,
    sleep: async (ms, signal) => {
      pauses.push(ms)
      if (pauses.length < 7) return
      ended.resolve()
      await new Promise((_resolve, reject) => signal.addEventListener('abort', reject))
    },
  })
  await patrol.start()
  await ended.promise
  await patrol.stop()
  t.strictSame(pauses, [1000, 1000, 1000, 1000, 1000, 99_000, 99_000])
  t.match(await metrics.registry.metrics(), /svc_dht_audit_verified_entries 512\n/)
  t.match(await metrics.registry.metrics(), new RegExp(`svc_dht_audit_verified_time_seconds ${NOW / 1000}\n`))
})
