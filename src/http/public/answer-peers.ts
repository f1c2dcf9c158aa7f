import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { pipe } from 'it-pipe'
import { DhtError } from '../../core/errors.ts'
import type { PeerRecord } from '../../core/peer.ts'
import type { Answer, AnswerSummary, LookupOptions } from '../../lookup/answer.ts'
import { JSON_TYPE, negotiateList, NDJSON_TYPE } from './accept.ts'
import { capBytes } from './cap-bytes.ts'
import { cap } from './cap.ts'
import { clientSignal, type PublicContext } from './context.ts'
import { encodePeers } from './encode-peer.ts'
import { filterAddrs } from './filter-addrs.ts'
import { parseFilter } from './filter-names.ts'
import { filterProtocols } from './filter-protocols.ts'
import { cacheControl, isNotModifiedSince, PARTIAL_CACHE_CONTROL, toHttpDate, UNFINISHED_CACHE_CONTROL } from './freshness.ts'

/** Peers that one request may have looked at: filters can refuse many before the answer is full. */
const MAX_PEERS_CONSIDERED = 10_000

/** Kubo refuses a JSON answer over 1 MiB before it parses it; what wraps the list needs a few bytes too. */
const MAX_JSON_BYTES = 1024 * 1024 - 64

/** Says in a header, or in a trailer of a stream, why there may be more: `deadline`, `limit` or `error`. */
const TRUNCATED_HEADER = 'routing-truncated'

export interface PeerQuestion {
  readonly listName: 'Providers' | 'Peers'
  /** Peers in the answer at most, where the question itself has a limit. */
  readonly limit?: number
  /** True when the answer grows while the walk runs; false when it is only known at its end. */
  readonly isGrowing: boolean
  ask (options: LookupOptions): Answer
}

interface Query { readonly 'filter-addrs'?: unknown, readonly 'filter-protocols'?: unknown }

/** Lines of an answer as they are found; `truncated` is final once they have ended. */
interface Lines {
  readonly lines: AsyncGenerator<string>
  readonly summary: AnswerSummary
  readonly truncated: AnswerSummary['truncated']
}

/** Answers a question about peers as JSON or NDJSON, as the client asked; the same for every route of Delegated Routing V1. */
export async function answerPeers (question: PeerQuestion, request: FastifyRequest, reply: FastifyReply, context: PublicContext): Promise<unknown> {
  reply.header('vary', 'Accept')
  const type = negotiateList(request.headers.accept)
  const answer = encodeAnswer(question, type, request.query as Query, { signal: clientSignal(reply), span: request.span }, context)
  const first = await answer.lines.next() // until then nothing is sent, so that a refusal or failure still has its status
  // Without chunks (HTTP/1.0, as some proxies speak) or a body (HEAD) nothing could be said after the header.
  const canStream = type === NDJSON_TYPE && question.isGrowing && request.raw.httpVersion === '1.1' && request.method === 'GET'
  if (canStream && first.done !== true && !answer.summary.cached) return stream(first.value, answer, reply)

  const lines = first.done === true ? [] : [first.value]
  for await (const line of answer.lines) lines.push(line)
  setFinalHeaders(reply, lines.length, answer, context)
  if (isRepeatable(answer) && isNotModifiedSince(answer.summary.resolvedAt, request.headers['if-modified-since'])) {
    return reply.code(304).send()
  }
  const body = type === NDJSON_TYPE ? lines.map(line => `${line}\n`).join('') : `{"${question.listName}":[${lines.join(',')}]}`
  return reply.type(type).send(Buffer.from(body)) // as bytes: the framework would add a charset, and Helia compares the type as it is
}

function encodeAnswer (question: PeerQuestion, type: string, query: Query, asker: Omit<LookupOptions, 'limit'>, { options }: PublicContext): Lines {
  const addrs = parseFilter('filter-addrs', query['filter-addrs'], { negatable: true })
  const protocols = parseFilter('filter-protocols', query['filter-protocols'], { negatable: false })
  const limit = type === JSON_TYPE ? options.jsonRecords : options.ndjsonRecords
  const { records, summary } = question.ask({ limit: question.limit ?? MAX_PEERS_CONSIDERED, ...asker })
  let isCapped = false
  const onMore = (): void => { isCapped = true }
  const lines = pipe(
    records,
    filterAddrs(addrs),
    filterProtocols(protocols),
    cap<PeerRecord>(limit, onMore), // counts what the client gets, so after the filters
    encodePeers,
    capBytes(type === JSON_TYPE ? MAX_JSON_BYTES : Number.POSITIVE_INFINITY, onMore),
  )
  return { lines, summary, get truncated () { return isCapped ? 'limit' : summary.truncated } }
}

/**
 * Sends each line when it is found. The header leaves before the end is known, so it promises little to caches, and what
 * the end brought follows in a trailer. After a failure the connection breaks off instead: a cache drops what did not end,
 * and no client takes it for the whole answer.
 */
function stream (first: string, answer: Lines, reply: FastifyReply): FastifyReply {
  reply.headers({
    'content-type': NDJSON_TYPE,
    'cache-control': UNFINISHED_CACHE_CONTROL,
    'last-modified': toHttpDate(answer.summary.resolvedAt),
    'transfer-encoding': 'chunked',
    trailer: TRUNCATED_HEADER,
  })
  async function * body (): AsyncGenerator<string> {
    yield `${first}\n`
    for await (const line of answer.lines) yield `${line}\n`
    if (answer.truncated === 'error') throw new DhtError('NotReady', 'The walk failed after some records were sent.')
    if (answer.truncated !== undefined) reply.raw.addTrailers({ [TRUNCATED_HEADER]: answer.truncated })
  }
  // A mark of 1: the next line is looked for only when this one has left for the socket.
  return reply.send(Readable.from(body(), { highWaterMark: 1 }))
}

/** @throws {DhtError} NotReady when a failure left nothing: an empty answer would say that there are no peers */
function setFinalHeaders (reply: FastifyReply, records: number, answer: Lines, { options }: PublicContext): void {
  if (answer.truncated === 'error' && records === 0) {
    throw new DhtError('NotReady', 'The network could not be asked, and nothing is held here.')
  }
  reply.headers({
    'cache-control': isRepeatable(answer) ? cacheControl(records, Math.floor(options.recordTtlMs / 1000)) : PARTIAL_CACHE_CONTROL,
    'last-modified': toHttpDate(answer.summary.resolvedAt),
  })
  if (answer.truncated !== undefined) reply.header(TRUNCATED_HEADER, answer.truncated)
}

/** True when asking again would give the same: the limit cuts every answer at the same place, a deadline or failure does not. */
function isRepeatable (answer: Lines): boolean {
  return answer.truncated === undefined || answer.truncated === 'limit'
}
