import type { FastifyInstance } from 'fastify'
import type { Entry } from '../../audit/format/entry.ts'
import type { AuditLog } from '../../audit/log.ts'
import { DhtError } from '../../core/errors.ts'
import { readAuditFile } from '../audit-file.ts'
import { badQuery, parseSince, readQuery, type Query } from './request.ts'
import type { AuditEntriesBody, AuditHeadBody } from './wire.ts'

export type AuditPort = Pick<AuditLog, 'head' | 'file' | 'proof' | 'rawEntries'>

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000
/** Entries that one page looks at, and bytes that it holds: a filter that matches nothing must not hold up the daemon. */
const MAX_SEEN = 2000
const MAX_PAGE_BYTES = 4 * 1024 * 1024

/** The audit log for operators: its head, its entries page by page, proofs, and the files that it publishes. */
export function addAuditRoutes (app: FastifyInstance, { audit }: { readonly audit: AuditPort }): void {
  app.get('/v1/audit/head', async (): Promise<AuditHeadBody> => {
    const { refusal, ...head } = audit.head()
    return { ...head, ...(refusal !== undefined && { refusal }) }
  })

  app.get<Query>('/v1/audit/entries', async (request): Promise<AuditEntriesBody> => {
    const { from, limit, since, action } = readQuery(request.query, ['from', 'limit', 'since', 'action'])
    const sinceMs = since === undefined ? Number.NEGATIVE_INFINITY : parseSince(since)
    return await readPage(audit, {
      from: Math.max(from === undefined ? 0 : parseSeq(from), from === undefined || from === '0' ? audit.head().minimum : 0),
      limit: limit === undefined ? DEFAULT_LIMIT : parseLimit(limit),
      isWanted: entry => Date.parse(entry.ts) >= sinceMs && (action === undefined || isAction(entry, action)),
    })
  })

  app.get<{ Params: { seq: string } }>('/v1/audit/proof/:seq', async (request, reply) => {
    const proof = await audit.proof(parseSeq(request.params.seq))
    return await reply.header('content-type', 'text/plain; charset=utf-8').send(proof)
  })

  app.get('/v1/audit/files/*', async ({ url }, reply) => {
    const file = await readAuditFile(audit, (url.split('?')[0] ?? '').slice('/v1/audit/files/'.length))
    if (file === undefined) throw new DhtError('NotFound', 'The log has no such file.', { reason: 'http_path' })
    return await reply.header('content-type', 'application/octet-stream').send(Buffer.from(file.bytes))
  })
}

interface Page {
  readonly from: number
  readonly limit: number
  readonly isWanted: (entry: Entry) => boolean
}

async function readPage (audit: AuditPort, { from, limit, isWanted }: Page): Promise<AuditEntriesBody> {
  const entries: Entry[] = []
  const { size, minimum } = audit.head()
  let seq = from
  let pageBytes = 0
  for await (const { entry, bytes } of audit.rawEntries(from, Math.min(size, from + MAX_SEEN))) {
    if (isWanted(entry)) {
      if (entries.length > 0 && pageBytes + bytes.byteLength > MAX_PAGE_BYTES) break
      entries.push(entry)
      pageBytes += bytes.byteLength
    }
    seq++
    if (entries.length === limit) break
  }
  return { size, minimum, entries, ...(seq < size && { next: seq }) }
}

/** `cap` is every action on capabilities, `cap.mint` is one. */
function isAction (entry: Entry, action: string): boolean {
  return entry.action === action || entry.action.startsWith(`${action}.`)
}

function parseSeq (text: string): number {
  if (!/^(0|[1-9]\d{0,14})$/.test(text)) throw badQuery('This is not the number of an entry.', 'Entries are numbered from 0.')
  return Number(text)
}

function parseLimit (text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > MAX_LIMIT) throw badQuery('The limit is not in range.', `Give a whole number from 1 to ${MAX_LIMIT}.`)
  return limit
}
