import type { FastifyInstance } from 'fastify'
import { DhtError } from '../../core/errors.ts'
import type { PublicContext } from './context.ts'
import { nodeOf, type PublicNode } from './discv5.ts'

const MAX_RPC_LENGTH = 16 * 1024

/** JSON-RPC 2.0, § Error object; the last is ours to choose from -32000 on. */
const PARSE_ERROR = { code: -32700, message: 'Parse error' }
const INVALID_REQUEST = { code: -32600, message: 'Invalid Request' }
const NO_METHOD = { code: -32601, message: 'Method not found' }
const NO_NODE = { code: -32000, message: 'This daemon is not a discv5 node' }

type RpcId = string | number | null

interface RpcAnswer {
  readonly jsonrpc: '2.0'
  readonly id: RpcId
  readonly result?: object
  readonly error?: { readonly code: number, readonly message: string }
}

/**
 * Where the tools of Ethereum (hive and its kin) look for a node's record: `GET /eth/v1/node/identity` as beacon nodes have it, and
 * `discv5_nodeInfo` as portal nodes have it, by JSON-RPC on `POST /`. There is nothing else of either API.
 */
export function ethereumRoutes (app: FastifyInstance, { options, deps }: PublicContext): void {
  if (options.ethereumIdentity !== true) return
  app.get('/eth/v1/node/identity', async (_request, reply) => {
    const body = toIdentity(nodeOf(deps))
    return await reply.header('cache-control', 'no-store').type('application/json; charset=utf-8').send(JSON.stringify(body))
  })
  void app.register(async scope => {
    scope.removeAllContentTypeParsers() // what is wrong with the body is said in the words of JSON-RPC
    scope.addContentTypeParser('*', { parseAs: 'string' }, async (_request: unknown, body: string) => body)
    scope.post('/', async (request, reply) => {
      if (typeof request.body === 'string' && request.body.length > MAX_RPC_LENGTH) throw new DhtError('TooLarge', `The body is larger than ${MAX_RPC_LENGTH / 1024} KiB.`, { reason: 'http_body' })
      const answer = answerRpc(request.body, deps.node)
      reply.header('cache-control', 'no-store')
      if (answer === undefined) return await reply.code(204).send()
      return await reply.type('application/json; charset=utf-8').send(JSON.stringify(answer))
    })
  })
}

/** The answer to one request; undefined to a notification, which has none. Batches are not served: there is one method. */
export function answerRpc (body: unknown, node: PublicNode | undefined): RpcAnswer | undefined {
  let request: unknown
  try {
    request = JSON.parse(typeof body === 'string' ? body : '')
  } catch {
    return { jsonrpc: '2.0', id: null, error: PARSE_ERROR }
  }
  if (!isRequest(request)) return { jsonrpc: '2.0', id: null, error: INVALID_REQUEST }
  const { id, method } = request
  if (id === undefined) return undefined
  if (method !== 'discv5_nodeInfo') return { jsonrpc: '2.0', id, error: NO_METHOD }
  if (node === undefined) return { jsonrpc: '2.0', id, error: NO_NODE }
  const { nodeId, text } = node.record()
  return { jsonrpc: '2.0', id, result: { enr: text, nodeId: `0x${nodeId}` } }
}

function isRequest (value: unknown): value is { readonly id?: RpcId, readonly method: string } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { jsonrpc, id, method } = value as Readonly<Record<string, unknown>>
  return jsonrpc === '2.0' && typeof method === 'string' && (id === undefined || id === null || typeof id === 'string' || typeof id === 'number')
}

/** Beacon API, getNetworkIdentity. The subnets of a chain that this daemon does not follow are none. */
function toIdentity (node: PublicNode) {
  const { seq, text } = node.record()
  return {
    data: {
      peer_id: node.peerId,
      enr: text,
      p2p_addresses: node.multiaddrs(),
      discovery_addresses: node.listening().map(({ ip, port }) => `/${ip.includes(':') ? 'ip6' : 'ip4'}/${ip}/udp/${port}/p2p/${node.peerId}`),
      metadata: { seq_number: String(seq), attnets: '0x0000000000000000', syncnets: '0x00' },
    },
  }
}
