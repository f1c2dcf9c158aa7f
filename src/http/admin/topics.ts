import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { ActionLog } from '../../core/control-action.ts'
import { jsonDigest } from '../../core/digest.ts'
import { DhtError } from '../../core/errors.ts'
import { parseTopic, topicsOf, type Discv5Ports, type TopicPort } from './discv5.ts'
import { actorOf, assertReason, parseTime } from './operator.ts'
import { toIso } from './present.ts'
import { readObject, readQuery, type Query } from './request.ts'
import type { Discv5TopicBody, Discv5TopicsBody } from './wire-discv5.ts'

interface Ports extends Pick<Discv5Ports, 'discv5'> {
  /** The clock of `until`. */
  now (): number
  readonly actions: ActionLog
}

interface TopicParams extends Query { readonly Params: { readonly topic: string } }

/** What the discv5 node advertises. An advertisement, and its end, is in the audit log before anybody is asked to hold it. */
export function addTopicRoutes (app: FastifyInstance, ports: Ports): void {
  app.get('/v1/discv5/topics', async (): Promise<Discv5TopicsBody> => ({ advertised: listOf(topicsOf(ports)) }))

  app.post('/v1/discv5/topics', async (request): Promise<Discv5TopicsBody> => {
    const topics = topicsOf(ports)
    const { topic, duration, reason = 'advertised through the admin API' } = readObject(request.body, ['topic', 'duration', 'reason'])
    const id = parseTopic(topic)
    const durationMs = parseTime(duration)
    const said = { topic: id, until: toIso(ports.now() + durationMs) }
    topics.assertRoom(id)
    await ports.actions.record({
      ...actorOf(request), action: 'topic.advertise', reason: assertReason(reason), opId: randomUUID(), afterDigest: jsonDigest(said), event: said,
    })
    topics.advertise(id, durationMs)
    return { advertised: listOf(topics, id) }
  })

  app.delete<TopicParams>('/v1/discv5/topics/:topic', async (request): Promise<Discv5TopicsBody> => {
    const topics = topicsOf(ports)
    const id = parseTopic(request.params.topic)
    const { reason = 'withdrawn through the admin API' } = readQuery(request.query, ['reason'])
    const advertised = listOf(topics, id)
    if (advertised.length === 0) throw new DhtError('NotFound', 'This topic is not advertised.', { hint: 'GET /v1/discv5/topics lists those that are.' })
    await ports.actions.record({
      ...actorOf(request), action: 'topic.withdraw', reason: assertReason(reason), opId: randomUUID(), beforeDigest: jsonDigest({ topic: id, until: advertised[0]?.until }), event: { topic: id },
    })
    topics.withdraw(id)
    return { advertised }
  })
}

/** All, or one. */
function listOf (topics: TopicPort, only?: string): Discv5TopicBody[] {
  const listed = topics.advertisements().filter(({ topic }) => only === undefined || topic === only)
  return listed.map(({ topic, until, held, waiting }) => ({ topic, until: toIso(until), held, waiting }))
}
