import { join } from 'node:path'
import { AuditLog } from '../audit/log.ts'
import { DiskLogStorage } from '../audit/storage/disk.ts'
import { MemoryLogStorage } from '../audit/storage/memory.ts'
import type { Config } from '../config/settings.ts'
import { createEphemeralNoteKeys, deriveNoteKeys } from '../kms/note-keys.ts'
import type { Surroundings } from './surroundings.ts'

/** The audit log: on disk for a macronode with a directory, else in memory. */
export function composeAudit ({ node, audit }: Config, { identity, log, metrics, now }: Surroundings, peerId: string): AuditLog {
  const lasts = node.profile === 'macronode' && node.dataDir !== ''
  const origin = audit.origin === '' ? `svc-dht/${peerId}` : audit.origin
  return new AuditLog({ origin, groupMs: audit.groupDelay, publishMs: audit.checkpointInterval, refreshMs: audit.checkpointRefresh, queued: audit.queued }, {
    storage: lasts ? new DiskLogStorage({ folder: join(node.dataDir, 'audit'), markFile: join(node.dataDir, 'audit.mark') }) : new MemoryLogStorage({ limitBytes: audit.memoryBytes }),
    signers: lasts ? deriveNoteKeys(origin, identity) : createEphemeralNoteKeys(origin),
    metrics: metrics.audit,
    log: log.child({ component: 'audit' }),
    now,
  })
}
