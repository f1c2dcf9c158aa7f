import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { DhtError } from '../../core/errors.ts'
import { TOPICS, type EventHub } from './event-hub.ts'
import { badQuery, parseSince, readQuery, type Query } from './request.ts'
import type { EventTopic } from './wire.ts'

const MAX_READERS = 16
/** Shorter than any idle limit between us and the reader. */
const BEAT_MS = 15_000

/** `GET /v1/events`: what happens, as server-sent events. A reader that is too slow is let go and counted. */
export function addEventsRoute (app: FastifyInstance, { events }: { readonly events: EventHub }): void {
  /** Bounded by MAX_READERS. */
  const streams = new Set<ServerResponse>()
  app.addHook('preClose', async () => { for (const stream of streams) stream.end() }) // they have no end of their own
  app.get<Query>('/v1/events', { exposeHeadRoute: false }, async (request, reply) => {
    const { topic, since } = readQuery(request.query, ['topic', 'since'])
    const topics = parseTopics(topic)
    const from = since === undefined ? events.lastId : events.idBefore(parseSince(since))
    if (streams.size >= MAX_READERS) {
      throw new DhtError('Backpressure', `${MAX_READERS} readers of events are connected already.`, { hint: 'Close one.', retryAfterMs: 10_000, reason: 'http_inflight' })
    }
    reply.hijack()
    const { raw } = reply
    streams.add(raw)
    raw.once('close', () => streams.delete(raw))
    request.lapsed?.addEventListener('abort', () => { raw.end(': the capability has ended\n\n') })
    stream(reply, events, { topics, from })
  })
}

function stream (reply: FastifyReply, events: EventHub, { topics, from }: { readonly topics: ReadonlySet<EventTopic>, readonly from: number }): void {
  const { raw } = reply
  let last = from
  const pump = (): void => {
    if (raw.destroyed || raw.writableEnded) return
    const next = events.after(last)
    if (next === undefined) {
      events.lagged()
      raw.destroy()
      return
    }
    for (const { id, topic, json } of next) {
      if (raw.writableNeedDrain) return
      last = id
      if (topics.has(topic)) raw.write(`id: ${id}\nevent: ${topic}\ndata: ${json}\n\n`)
    }
  }
  raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-request-id': String(reply.getHeader('x-request-id')) })
  raw.write(': events\n\n')
  const beat = setInterval(() => { if (!raw.writableNeedDrain) raw.write(':\n\n') }, BEAT_MS).unref()
  const end = events.watch(pump)
  raw.on('drain', pump)
  raw.once('close', () => {
    clearInterval(beat)
    end()
  })
  pump()
}

function parseTopics (text: string | undefined): ReadonlySet<EventTopic> {
  if (text === undefined) return new Set(TOPICS)
  const topics = text.split(',').map(name => TOPICS.find(topic => topic === name))
  if (topics.includes(undefined)) throw badQuery('There is no such topic.', `The topics are ${TOPICS.join(', ')}.`)
  return new Set(topics.filter(topic => topic !== undefined))
}
