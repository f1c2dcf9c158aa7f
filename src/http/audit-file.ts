import type { AuditLog } from '../audit/log.ts'
import { decodeBundle, encodeBundle, parseTilePath, tilePath, TILE_WIDTH, type Tile } from '../audit/format/tile.ts'
import { HASH_BYTES } from '../audit/format/tree.ts'

/** The published log, as those see it who serve its files. */
export type AuditFiles = Pick<AuditLog, 'file' | 'head'>

export interface AuditFile {
  readonly bytes: Uint8Array
  /** True for what is the same for ever: every tile is; the checkpoint is not. */
  readonly isImmutable: boolean
}

/**
 * A file of the log by its path in tlog-tiles; undefined for what the log has not published and for what is not such a path,
 * before anything is read. A partial tile stays there after a wider one took its place: who holds an older checkpoint needs it.
 */
export async function readAuditFile (audit: AuditFiles, path: string): Promise<AuditFile | undefined> {
  if (path === 'checkpoint') {
    const bytes = await audit.file(path)
    return bytes === undefined ? undefined : { bytes, isImmutable: false }
  }
  const tile = parseTilePath(path)
  if (tile === undefined) return undefined
  const bytes = await audit.file(path) ?? await readNarrowed(audit, tile)
  return bytes === undefined ? undefined : { bytes, isImmutable: true }
}

/** The first items of the tile that is there now. */
async function readNarrowed (audit: AuditFiles, tile: Tile): Promise<Uint8Array | undefined> {
  const items = tile.level === 'entries' ? audit.head().published : Math.floor(audit.head().published / TILE_WIDTH ** tile.level)
  const width = Math.min(TILE_WIDTH, items - tile.index * TILE_WIDTH)
  if (width <= tile.width) return undefined
  const wider = await audit.file(tilePath({ ...tile, width }))
  if (wider === undefined) return undefined
  return tile.level === 'entries' ? encodeBundle(decodeBundle(wider).entries.slice(0, tile.width)) : wider.subarray(0, tile.width * HASH_BYTES)
}
