import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { unmarshalIPNSRecord } from 'ipns'
import { DhtError } from '../../../../core/errors.ts'
import { MAX_VALUE_BYTES } from '../../../../core/limits.ts'
import { HttpError } from '../../../envelope.ts'
import { assertAcceptsIpnsRecord, IPNS_RECORD_TYPE } from '../../accept.ts'
import { clientSignal, type PublicContext } from '../../context.ts'
import { matchesEtag, toHttpDate } from '../../freshness.ts'
import { parsePeerId } from '../../../../core/peer-id.ts'

const IPNS_PREFIX = Buffer.from('/ipns/')
const NANOSECONDS = 1_000_000_000n
/** Delegated Routing V1: `max-age` of a record that has no TTL. */
const DEFAULT_TTL_SECONDS = 60
const NOT_FOUND_CACHE_CONTROL = 'public, max-age=15'

type NameRequest = FastifyRequest<{ Params: { name: string } }>

/** `GET` and `PUT /routing/v1/ipns/{name}`: the signed record of a name. Without `ipnsPut`, PUT is not supported here. */
export function ipnsRoutes (app: FastifyInstance, context: PublicContext): void {
  app.get('/routing/v1/ipns/:name', (request: NameRequest, reply) => getRecord(request, reply, context))
  if (!context.options.ipnsPut) return
  void app.register(async scope => {
    scope.addContentTypeParser(IPNS_RECORD_TYPE, { parseAs: 'buffer' }, async (_request: FastifyRequest, body: Buffer) => body)
    scope.put('/routing/v1/ipns/:name', { onRequest: assertIsIpnsRecord }, (request: NameRequest, reply) => putRecord(request, reply, context))
  })
}

async function getRecord (request: NameRequest, reply: FastifyReply, { deps }: PublicContext): Promise<unknown> {
  reply.header('vary', 'Accept')
  assertAcceptsIpnsRecord(request.headers.accept)
  const record = await deps.values.find(routingKey(request.params.name), { signal: clientSignal(reply), span: request.span })
  if (record === undefined) {
    // IPIP-513: 200 with any other content type means that there is no record.
    return reply.header('cache-control', NOT_FOUND_CACHE_CONTROL).type('text/plain; charset=utf-8').send('routing: not found\n')
  }
  const etag = `"${createHash('sha256').update(record).digest('base64url')}"`
  reply.headers({ etag, 'last-modified': toHttpDate(deps.now()), ...freshnessOf(record, deps.now()) })
  if (matchesEtag(etag, request.headers['if-none-match'])) return reply.code(304).send()
  return reply.type(IPNS_RECORD_TYPE).send(Buffer.from(record))
}

async function putRecord (request: NameRequest, reply: FastifyReply, { deps }: PublicContext): Promise<unknown> {
  const { body } = request
  if (!(body instanceof Uint8Array) || body.byteLength === 0) throw badRecord('The body is empty.')
  if (body.byteLength > MAX_VALUE_BYTES) throw badRecord(`The record is larger than ${MAX_VALUE_BYTES / 1024} KiB.`)
  try {
    await deps.values.publish(routingKey(request.params.name), body, { signal: clientSignal(reply), span: request.span })
  } catch (err) {
    // The spec has no 409 here: a record that lost to a newer one is a record that is not valid any more.
    if (err instanceof DhtError && err.code === 'Conflict') throw new HttpError(400, 'Conflict', err.message, { reason: 'stale', cause: err })
    throw err
  }
  return reply.code(200).send()
}

/** Before the body is read: Delegated Routing V1 has 406 for it, not 415. */
async function assertIsIpnsRecord (request: FastifyRequest): Promise<void> {
  if (request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() === IPNS_RECORD_TYPE) return
  throw new HttpError(406, 'Unsupported', 'The submitted content type is not supported.', {
    reason: 'http_type', hint: `Retry with Content-Type: ${IPNS_RECORD_TYPE}.`,
  })
}

/** The key of a name in the overlay: IPNS record, Routing Record. */
function routingKey (name: string): Uint8Array {
  const multihash = parsePeerId(name)
  if (multihash === undefined) {
    throw new DhtError('BadRequest', 'This is not an IPNS name.', { reason: 'http_key', hint: 'Give a CIDv1 with codec libp2p-key.' })
  }
  return Buffer.concat([IPNS_PREFIX, multihash])
}

/** How long the record may be kept: by its own TTL, and never as fresh beyond its end of life. */
function freshnessOf (record: Uint8Array, now: number): Record<string, string> {
  const { ttl = 0n, validity } = unmarshalIPNSRecord(record)
  const endOfLife = Date.parse(validity)
  const secondsLeft = Math.floor((endOfLife - now) / 1000)
  const expires = toHttpDate(endOfLife)
  if (secondsLeft <= 0) return { 'cache-control': 'no-store', expires }
  const ttlSeconds = ttl >= NANOSECONDS ? Number(ttl / NANOSECONDS) : DEFAULT_TTL_SECONDS
  const maxAge = Math.min(ttlSeconds, secondsLeft)
  return { 'cache-control': `public, max-age=${maxAge}, stale-while-revalidate=${secondsLeft}, stale-if-error=${secondsLeft}`, expires }
}

function badRecord (message: string): DhtError {
  return new DhtError('BadRequest', message, { reason: 'http_body' })
}
