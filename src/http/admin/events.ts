import type { FastifyInstance } from 'fastify'
import { TOPICS, type EventHub } from './event-hub.ts'
import { EventReaders, serverSentEvents } from './event-readers.ts'
import { badQuery, parseSince, readQuery, type Query } from './request.ts'

/** `GET /v1/events`: what happens, as server-sent events. A reader that is too slow is let go and counted. */
export function addEventsRoute (app: FastifyInstance, { events }: { readonly events: EventHub }): void {
  const readers = new EventReaders(app, events)
  app.get<Query>('/v1/events', { exposeHeadRoute: false }, async (request, reply) => {
    const { topic, since } = readQuery(request.query, ['topic', 'since'])
    const topics = parseTopics(topic)
    readers.admit(request, reply, since === undefined ? events.lastId : events.idBefore(parseSince(since)), serverSentEvents(name => topics.has(name)))
  })
}

function parseTopics (text: string | undefined): ReadonlySet<string> {
  if (text === undefined) return new Set(TOPICS)
  const topics = text.split(',').map(name => TOPICS.find(topic => topic === name))
  if (topics.includes(undefined)) throw badQuery('There is no such topic.', `The topics are ${TOPICS.join(', ')}.`)
  return new Set(topics.filter(topic => topic !== undefined))
}
