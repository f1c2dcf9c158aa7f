import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AuditLog } from '../../src/audit/log.ts'
import type { AuditLogOptions } from '../../src/audit/options.ts'
import { DiskLogStorage } from '../../src/audit/storage/disk.ts'
import type { LogStorage } from '../../src/audit/storage/storage.ts'
import type { ControlAction } from '../../src/core/control-action.ts'
import { createEphemeralNoteKeys, type NoteKey } from '../../src/kms/note-keys.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'

export const ORIGIN = 'example.com/audit'
export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)
export const KEYS = createEphemeralNoteKeys(ORIGIN)

export interface Teardown { teardown (fn: () => unknown): unknown }

export function tempFolder (t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-audit-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function diskStorage (folder: string): DiskLogStorage {
  return new DiskLogStorage({ folder: join(folder, 'log'), markFile: join(folder, 'log.mark') })
}

export function createLog (storage: LogStorage, options: Partial<AuditLogOptions> = {}, signers: readonly NoteKey[] = KEYS, now = () => NOW, formerSigners: readonly NoteKey[] = []) {
  const metrics = createMetrics()
  const log = new AuditLog({ origin: ORIGIN, groupMs: 0, publishMs: 60_000, refreshMs: 3_600_000, retentionMs: 90 * 86_400_000, queued: 100_000, ...options }, {
    storage, signers, formerSigners, metrics: metrics.audit, log: createLogger({ level: 'silent' }), now,
  })
  return { log, metrics }
}

export function action (number: number, rest: Partial<ControlAction> = {}): ControlAction {
  return { actor: 'ops-1', capabilityId: 'v1:root:n', action: 'cap.mint', reason: `for test ${number}`, opId: `op-${number}`, afterDigest: `b3:${'ab'.repeat(32)}`, ...rest }
}

export async function fill (log: AuditLog, count: number, from = 0): Promise<void> {
  await Promise.all(Array.from({ length: count }, async (_, at) => await log.record(action(from + at))))
}
