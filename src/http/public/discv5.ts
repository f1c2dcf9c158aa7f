import type { FastifyInstance } from 'fastify'
import { DhtError } from '../../core/errors.ts'
import { JSON_TYPE, negotiateRecord } from './accept.ts'
import type { PublicContext } from './context.ts'
import { matchesEtag } from './freshness.ts'

/** The discv5 node of this daemon, as everybody may know it. */
export interface PublicNode {
  readonly peerId: string
  record (): { readonly nodeId: string, readonly seq: bigint, readonly text: string }
  /** Multiaddrs of the libp2p host. */
  multiaddrs (): readonly string[]
  listening (): ReadonlyArray<{ readonly ip: string, readonly port: number }>
}

/** A record changes when an address does: rarely, and then a cache may be behind for this long. */
const CACHE_CONTROL = 'public, max-age=60'

/** `GET /v1/discv5/enr`: the node's own record, to join through: its text, or as JSON. */
export function discv5Route (app: FastifyInstance, { deps }: PublicContext): void {
  app.get('/v1/discv5/enr', async (request, reply) => {
    const { nodeId, seq, text } = nodeOf(deps).record()
    reply.header('vary', 'Accept')
    const type = negotiateRecord(request.headers.accept)
    const etag = `"${nodeId.slice(0, 16)}-${seq}-${type === JSON_TYPE ? 'json' : 'text'}"`
    reply.headers({ etag, 'cache-control': CACHE_CONTROL })
    if (matchesEtag(etag, request.headers['if-none-match'])) return await reply.code(304).send()
    return type === JSON_TYPE
      ? await reply.type('application/json; charset=utf-8').send(JSON.stringify({ node_id: nodeId, seq: String(seq), enr: text }))
      : await reply.type('text/plain; charset=utf-8').send(`${text}\n`)
  })
}

/** @throws {DhtError} NotFound while the plane is off */
export function nodeOf ({ node }: PublicContext['deps']): PublicNode {
  if (node === undefined) throw new DhtError('NotFound', 'This daemon is not a discv5 node.', { reason: 'http_path' })
  return node
}
