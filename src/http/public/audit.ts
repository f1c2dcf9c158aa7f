import type { FastifyInstance, FastifyReply } from 'fastify'
import { readAuditFile, type AuditFiles } from '../audit-file.ts'
import { HttpError } from '../envelope.ts'

/** c2sp.org/tlog-tiles: a tile never changes; a checkpoint is replaced as soon as there are entries it does not cover. */
const TILE_CACHE_CONTROL = 'public, max-age=31536000, immutable'
const CHECKPOINT_CACHE_CONTROL = 'public, max-age=1'

/** `GET /audit/…`: the audit log in the layout of tlog-tiles, for anyone who verifies or mirrors it. */
export function auditRoutes (app: FastifyInstance, audit: AuditFiles): void {
  app.get('/audit/checkpoint', async (_request, reply) => await sendFile(reply, audit, 'checkpoint'))
  // From the URL as it came: one file has one address, and no decoding makes a second one.
  app.get('/audit/tile/*', async ({ url }, reply) => await sendFile(reply, audit, (url.split('?')[0] ?? '').slice('/audit/'.length)))
}

async function sendFile (reply: FastifyReply, audit: AuditFiles, path: string): Promise<FastifyReply> {
  const file = await readAuditFile(audit, path)
  if (file === undefined) {
    throw new HttpError(404, 'NotFound', 'The log has no such file.', { reason: 'http_path', hint: 'Start from /audit/checkpoint: it says how large the log is.' })
  }
  return await reply.headers({
    'content-type': file.isImmutable ? 'application/octet-stream' : 'text/plain; charset=utf-8',
    'cache-control': file.isImmutable ? TILE_CACHE_CONTROL : CHECKPOINT_CACHE_CONTROL,
    'x-content-type-options': 'nosniff', // the entries hold text that others chose
  }).send(Buffer.from(file.bytes.buffer, file.bytes.byteOffset, file.bytes.byteLength))
}
