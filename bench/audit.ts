import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AuditLog } from '../src/audit/log.ts'
import { scan } from '../src/audit/scan.ts'
import { DiskLogStorage } from '../src/audit/storage/disk.ts'
import { createEphemeralNoteKeys } from '../src/kms/note-keys.ts'
import { createLogger } from '../src/observability/logger.ts'
import { createMetrics } from '../src/observability/metrics.ts'
import { alone, type Effort, type Figure } from './measure.ts'

/** What a durable entry of the audit log costs, how fast a log is verified, and how soon a daemon with a long one is back. */

const ORIGIN = 'example.com/bench'
const IN_FLIGHT = 64
const QUICK_ENTRIES = 2000

/** Arguments: the numbers of entries, 100000 unless told. */
export async function * figures (args: readonly string[], { rounds }: Effort): AsyncGenerator<Figure> {
  const counts = args.length > 0 ? args.map(Number) : [rounds === 1 ? QUICK_ENTRIES : 100_000]
  for (const count of counts) yield * figuresOf(count)
}

async function * figuresOf (entries: number): AsyncGenerator<Figure> {
  const load = `${entries} entries, ${IN_FLIGHT} in flight`
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-bench-'))
  try {
    const keys = createEphemeralNoteKeys(ORIGIN)
    const create = (): AuditLog => new AuditLog({ origin: ORIGIN, groupMs: 2, publishMs: 1000, refreshMs: 3_600_000, retentionMs: 90 * 86_400_000, queued: 10_000 }, {
      storage: new DiskLogStorage({ folder: join(folder, 'log'), markFile: join(folder, 'mark') }),
      signers: keys,
      metrics: createMetrics().audit,
      log: createLogger({ level: 'silent' }),
      now: Date.now,
    })
    const log = create()
    await log.start()
    const appendedAt = performance.now()
    await append(log, entries)
    yield alone('audit', load, 'durable appends/s', [entries / seconds(appendedAt)])
    await log.stop()

    const verifiedAt = performance.now()
    const tail = await scan(entries, async path => await readFile(join(folder, 'log', path)))
    yield alone('audit', load, 'entries verified/s', [tail.size / seconds(verifiedAt)])

    const again = create()
    const startedAt = performance.now()
    await again.start()
    yield alone('audit', load, 'start s', [seconds(startedAt)])
    if (again.reason() !== undefined || again.head().size !== entries) throw new Error(`the log did not come back whole: ${again.reason() ?? again.head().size}`)
    await again.stop()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** So many callers, each of which waits for its entry to be durable before the next. */
async function append (log: AuditLog, entries: number): Promise<void> {
  let next = 0
  await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    while (next < entries) {
      const number = next++
      await log.record({ actor: 'v1:0123456789abcdef', capabilityId: 'v1:0123456789abcdef', action: 'provider.write', reason: `entry ${number}`, opId: `op-${number}`, afterDigest: `b3:${'ab'.repeat(32)}` })
    }
  }))
}

function seconds (since: number): number {
  return (performance.now() - since) / 1000
}
