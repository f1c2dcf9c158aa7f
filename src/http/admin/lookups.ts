import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { DhtError } from '../../core/errors.ts'
import { parseKey } from '../../core/key.ts'
import type { Answer, LookupOptions, LookupPort } from '../../lookup/answer.ts'
import { parsePeerId, toPeerIdText } from '../../core/peer-id.ts'
import { streamEvents } from './lookup-events.ts'
import type { Logger } from '../../observability/logger.ts'
import type { AdminPorts } from './ports.ts'
import { badQuery, whenClientLeaves } from './request.ts'

interface LookupRequest {
  readonly Params: { readonly kind: string, readonly key: string }
  readonly Querystring: Readonly<Record<string, unknown>>
}

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000

/** Between two `progress` events: four a second at most. */
const PROGRESS_INTERVAL_MS = 250

const KINDS: Readonly<Record<string, (lookup: LookupPort, key: string, options: LookupOptions) => Answer>> = {
  providers: (lookup, key, options) => lookup.providers(parseKey(key), options),
  peers: (lookup, key, options) => lookup.peer(parsePeer(key), options),
  closest: (lookup, key, options) => lookup.closest(parseKey(key), options),
}

/** Lookups through the network, told as they go: NDJSON, one LookupEvent a line. */
export function addLookupRoutes (app: FastifyInstance, { lookup }: Pick<AdminPorts, 'lookup'>): void {
  // No HEAD: it would walk the network for nobody.
  app.get<LookupRequest>('/v1/lookups/:kind/:key', { exposeHeadRoute: false }, async (request, reply) => {
    const { kind, key } = request.params
    const start = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined
    if (start === undefined) {
      throw new DhtError('NotFound', 'There is no such kind of lookup.', { hint: `The kinds are ${Object.keys(KINDS).join(', ')}.`, reason: 'http_path' })
    }
    const left = whenClientLeaves(reply)
    const signal = request.lapsed === undefined ? left : AbortSignal.any([left, request.lapsed])
    return await sendEvents(reply, start(lookup, key, { limit: parseLimit(request.query), signal, span: request.span }), signal)
  })
}

/** Waits for the first event, so that a lookup refused at once is an error with its own status, then streams. */
async function sendEvents (reply: FastifyReply, answer: Answer, signal: AbortSignal): Promise<FastifyReply> {
  const log: Pick<Logger, 'warn'> = reply.log
  const onFailure = (err: unknown) => { if (!signal.aborted) log.warn({ event: 'lookup_broke_off', err }, 'lookup broke off') }
  const events = streamEvents(answer, { progressIntervalMs: PROGRESS_INTERVAL_MS, onFailure })
  const first = await events.next()
  async function * lines (): AsyncGenerator<string> {
    for (let event = first; event.done !== true; event = await events.next()) yield `${JSON.stringify(event.value)}\n`
  }
  // One line of read-ahead: a client that reads slowly slows the lookup, not fills our memory.
  const body = Readable.from(lines(), { objectMode: true, highWaterMark: 1 })
  body.once('close', () => { events.return(undefined).catch(onFailure) }) // the client left between two lines
  return reply.header('content-type', 'application/x-ndjson; charset=utf-8').header('cache-control', 'no-store').send(body)
}

function parsePeer (text: string): string {
  const multihash = parsePeerId(text)
  if (multihash !== undefined) return toPeerIdText(multihash)
  throw new DhtError('BadRequest', 'Not a peer ID.', { hint: 'Give it as 12D3Koo…, Qm… or a CID with codec libp2p-key.', reason: 'http_key' })
}

function parseLimit (query: Readonly<Record<string, unknown>>): number {
  const { limit = String(DEFAULT_LIMIT), ...others } = query
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw badQuery(`There is no parameter ${JSON.stringify(unknown)}.`, 'The only one is limit.')
  const value = typeof limit === 'string' && /^\d{1,4}$/.test(limit) ? Number(limit) : 0
  if (value < 1 || value > MAX_LIMIT) throw badQuery('The limit is not in range.', `Give a whole number from 1 to ${MAX_LIMIT}.`)
  return value
}
