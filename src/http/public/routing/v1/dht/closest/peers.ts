import type { FastifyInstance } from 'fastify'
import { answerPeers } from '../../../../answer-peers.ts'
import type { PublicContext } from '../../../../context.ts'
import { parsePathKey } from '../../../../path-key.ts'

/**
 * `GET /routing/v1/dht/closest/peers/{key}`: the peers closest to a CID's multihash or to a peer, nearest first.
 *
 * With nobody to name the answer is 200 and an empty list, though this endpoint's text still says 404: IPIP-513, which is
 * later and ratified, found 404 wrong for every list of this API, makes clients take 404 for an empty list, and browsers
 * log each 404 as an error. The filters are not in this endpoint's text either; its stock client sends them, so they work.
 */
export function closestPeersRoute (app: FastifyInstance, context: PublicContext): void {
  app.get<{ Params: { key: string } }>('/routing/v1/dht/closest/peers/:key', (request, reply) => {
    const key = parsePathKey(request.params.key) // a CID stands for its multihash; that of a peer ID is the peer ID
    return answerPeers({
      listName: 'Peers',
      isGrowing: false, // sorted by distance, so only known at the end
      limit: context.options.closestPeers,
      ask: options => context.deps.lookup.closest(key, options),
    }, request, reply, context)
  })
}
