import type { AuditLog } from '../audit/log.ts'
import { parseTilePath } from '../audit/format/tile.ts'

/** The published log, as those see it who serve its files. */
export type AuditFiles = Pick<AuditLog, 'file'>

export interface AuditFile {
  readonly bytes: Uint8Array
  /** True for what is the same for ever: every tile is; the checkpoint is not. */
  readonly isImmutable: boolean
}

/**
 * A file of the log by its path in tlog-tiles; undefined for what the log has not published and for what is not such a path,
 * before anything is read.
 */
export async function readAuditFile (audit: AuditFiles, path: string): Promise<AuditFile | undefined> {
  if (path === 'checkpoint') {
    const bytes = await audit.file(path)
    return bytes === undefined ? undefined : { bytes, isImmutable: false }
  }
  if (parseTilePath(path) === undefined) return undefined
  const bytes = await audit.file(path)
  return bytes === undefined ? undefined : { bytes, isImmutable: true }
}
