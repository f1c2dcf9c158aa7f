import type { FastifyInstance } from 'fastify'
import { answerPeers } from '../../answer-peers.ts'
import type { PublicContext } from '../../context.ts'
import { parsePathKey } from '../../path-key.ts'

/** `GET /routing/v1/providers/{cid}`: who provides the key. */
export function providersRoute (app: FastifyInstance, context: PublicContext): void {
  app.get<{ Params: { cid: string } }>('/routing/v1/providers/:cid', (request, reply) => {
    const key = parsePathKey(request.params.cid)
    return answerPeers({
      listName: 'Providers', isGrowing: true, ask: options => context.deps.lookup.providers(key, options),
    }, request, reply, context)
  })
}
