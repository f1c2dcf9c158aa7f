import t from 'tap'
import { openCheckpoint } from '../../src/audit/format/checkpoint.ts'
import { openLogFiles } from '../../src/cli/audit/files.ts'
import { verifyLog, type Verdict } from '../../src/cli/audit/verify.ts'
import type { AuditLog } from '../../src/audit/log.ts'
import { findYoung } from '../../src/audit/retention.ts'
import { MemoryLogStorage } from '../../src/audit/storage/memory.ts'
import { only } from '../patterns.ts'
import { action, createLog, diskStorage, fill, KEYS, NOW, ORIGIN, tempFolder } from './logs.ts'

const DAY_MS = 86_400_000
const RETENTION_MS = 90 * DAY_MS

async function verify (read: (path: string) => Promise<Uint8Array | undefined>): Promise<Verdict> {
  return await verifyLog(read, { trusted: KEYS, origin: ORIGIN, minSize: 0, maxAgeMs: undefined, nowMs: NOW })
}

async function actionsFrom (log: AuditLog, from: number): Promise<string[]> {
  return (await Array.fromAsync(log.rawEntries(from))).map(({ entry }) => entry.action)
}

t.test('a log in memory never fills: it lets go of its oldest entries, says so, and what it keeps is proven', async t => {
  const { log, metrics } = createLog(new MemoryLogStorage({ limitBytes: 400_000 }))
  await log.start()
  for (let round = 0; round < 40; round++) {
    await fill(log, 100, round * 100)
    await log.publish()
    if (round % 8 === 7) t.match(await verify(async path => await log.file(path)), { valid: true }, 'what is let go is never missing')
  }
  t.equal(log.reason(), undefined)
  const { minimum, size } = log.head()
  t.ok(minimum > 1000 && minimum % 256 === 0, `from ${minimum}`)
  t.match(await metrics.registry.metrics(), `svc_dht_audit_let_go_entries_total{reason="memory"} ${minimum}`)
  t.throws(() => log.rawEntries(minimum - 1), new RegExp(`was let go: .* from ${minimum} on`))
  await t.rejects(log.proof(0), { code: 'NotFound' })
  t.ok((await actionsFrom(log, minimum)).includes('audit.prune'))
  t.match(await log.proof(minimum), /^c2sp\.org\/tlog-proof@v1\n/)
  t.equal((await Array.fromAsync(log.entries())).length, size - minimum, 'a replay gets what there is')
  t.match(await verify(async path => await log.file(path)), { valid: true, from: minimum })
  t.equal(await log.file('tile/0/000'), undefined, 'the hashes of what was let go go too')
  await log.stop()
})

t.test('a bundle that is gone without an entry that says so is missing', async t => {
  const { log } = createLog(new MemoryLogStorage({ limitBytes: 1e8 }))
  await log.start()
  await fill(log, 600)
  await log.publish()
  t.match(await verify(async path => path === 'tile/entries/000' ? undefined : await log.file(path)), { valid: false, fault: 'missing', seq: 0 })
  await log.stop()
})

t.test('a log on disk stops serving what is older than its retention, keeps the hashes, and gives a replay all of it', async t => {
  const folder = tempFolder(t)
  let nowMs = NOW
  const { log, metrics } = createLog(diskStorage(folder), { refreshMs: 50, retentionMs: RETENTION_MS }, KEYS, () => nowMs)
  await log.start()
  await fill(log, 600)
  nowMs += 2 * DAY_MS
  await fill(log, 300, 600)
  await log.publish()
  t.equal(log.head().minimum, 0)
  nowMs = NOW + RETENTION_MS + DAY_MS
  while (log.head().minimum === 0) await new Promise(resolve => setTimeout(resolve, 10))
  t.equal(log.head().minimum, 512, 'whole bundles, all of whose entries are old')
  t.match(await verify(async path => await log.file(path)), { valid: true, from: 512 }, 'the checkpoint that is there covers the entry that says so')
  t.match(await metrics.registry.metrics(), 'svc_dht_audit_let_go_entries_total{reason="age"} 512')
  await log.publish()
  t.equal(await log.file('tile/entries/001'), undefined)
  t.ok(await log.file('tile/0/001'))
  t.match(await verify(async path => await log.file(path)), { valid: true, from: 512 })
  t.match(await Array.fromAsync(log.rawEntries(900)), only({ entry: { seq: 900, action: 'audit.prune', actor: 'daemon', event: { from: 0, minimum: 512 } } }))
  t.equal((await Array.fromAsync(log.entries())).length, 901)
  await log.stop()

  const again = createLog(diskStorage(folder), { retentionMs: RETENTION_MS }, KEYS, () => nowMs)
  await again.log.start()
  t.strictSame([again.log.reason(), again.log.head().minimum], [undefined, 512])
  t.equal((await Array.fromAsync(again.log.entries())).length, 901)
  t.throws(() => again.log.rawEntries(100), /was let go/)
  await again.log.record(action(901))
  await again.log.publish()
  t.equal(openCheckpoint(await again.log.file('checkpoint') ?? new Uint8Array(), ORIGIN, KEYS).size, 902)
  await again.log.stop()
  await using files = await openLogFiles(`${folder}/log`)
  t.match(await verify(async path => await files.read(path)), { valid: true, size: 902 }, 'the folder itself is whole')
})

t.test('only whole bundles under the checkpoint become old, and never those behind a young one', async t => {
  const find = async (published: number, ages: readonly number[], minimum = 0): Promise<number> => await findYoung({ minimum, published, beforeMs: 100 }, async seq => ages[Math.floor(seq / 256)] ?? Number.NaN)
  t.equal(await find(255, [0]), 0)
  t.equal(await find(256, [0]), 256)
  t.equal(await find(1024, [0, 99, 100, 0]), 512)
  t.equal(await find(1024, [0, 0, 0, 0], 768), 1024)
})
