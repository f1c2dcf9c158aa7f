import type { FastifyInstance } from 'fastify'
import { HttpError } from '../../../envelope.ts'
import { answerPeers } from '../../answer-peers.ts'
import type { PublicContext } from '../../context.ts'
import { parsePeerId, toPeerIdText } from '../../../../core/peer-id.ts'

/** `GET /routing/v1/peers/{id}`: where the peer can be reached. */
export function peersRoute (app: FastifyInstance, context: PublicContext): void {
  app.get<{ Params: { id: string } }>('/routing/v1/peers/:id', (request, reply) => {
    const multihash = parsePeerId(request.params.id)
    if (multihash === undefined) {
      throw new HttpError(422, 'BadRequest', 'This is not a peer ID.', {
        reason: 'http_key', hint: 'Give its multihash in base58btc, or a CIDv1 with codec libp2p-key.',
      })
    }
    const id = toPeerIdText(multihash)
    return answerPeers({
      listName: 'Peers', isGrowing: false, ask: options => context.deps.lookup.peer(id, options),
    }, request, reply, context)
  })
}
