import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { DhtError } from '../../core/errors.ts'
import type { KeptEvent } from './event-hub.ts'

/** What a stream needs of a hub of events. */
export interface EventSource {
  readonly lastId: number
  after (id: number): readonly KeptEvent[] | undefined
  idBefore (sinceMs: number): number
  lagged (): void
  watch (listener: () => void): () => void
}

/** How events are written. */
export interface Framing {
  readonly type: string
  readonly start: string
  /** Sent when nothing happens, so that nobody in between takes the stream for dead. */
  readonly beat: string
  /** Sent to who may not read on. */
  readonly lapsed: string
  /** Empty for an event that this reader did not ask for. */
  frame (event: KeptEvent): string
}

const MAX_READERS = 16
/** Shorter than any idle limit between us and the reader. */
const BEAT_MS = 15_000

/** Who reads the events of one hub, as they happen. A reader that is too slow is let go and counted. */
export class EventReaders {
  readonly #events: EventSource
  /** Bounded by MAX_READERS. */
  readonly #streams = new Set<ServerResponse>()

  constructor (app: FastifyInstance, events: EventSource) {
    this.#events = events
    app.addHook('preClose', async () => { for (const stream of this.#streams) stream.end() }) // they have no end of their own
  }

  /**
   * Streams what follows this event, until the reader leaves or may not read on.
   * @throws {DhtError} Backpressure when as many read as may
   */
  admit ({ lapsed }: FastifyRequest, reply: FastifyReply, from: number, framing: Framing): void {
    if (this.#streams.size >= MAX_READERS) {
      throw new DhtError('Backpressure', `${MAX_READERS} readers of events are connected already.`, { hint: 'Close one.', retryAfterMs: 10_000, reason: 'http_inflight' })
    }
    reply.hijack()
    const { raw } = reply
    this.#streams.add(raw)
    raw.once('close', () => this.#streams.delete(raw))
    lapsed?.addEventListener('abort', () => { raw.end(framing.lapsed) })
    raw.writeHead(200, { 'content-type': framing.type, 'cache-control': 'no-store', 'x-request-id': String(reply.getHeader('x-request-id')) })
    raw.write(framing.start)
    stream(raw, this.#events, from, framing)
  }
}

function stream (raw: ServerResponse, events: EventSource, from: number, { beat: heartbeat, frame }: Framing): void {
  let last = from
  const pump = (): void => {
    if (raw.destroyed || raw.writableEnded) return
    const next = events.after(last)
    if (next === undefined) {
      events.lagged()
      raw.destroy()
      return
    }
    for (const event of next) {
      if (raw.writableNeedDrain) return
      last = event.id
      const text = frame(event)
      if (text !== '') raw.write(text)
    }
  }
  const beat = setInterval(() => { if (!raw.writableNeedDrain && !raw.writableEnded) raw.write(heartbeat) }, BEAT_MS).unref()
  const end = events.watch(pump)
  raw.on('drain', pump)
  raw.once('close', () => {
    clearInterval(beat)
    end()
  })
  pump()
}

/** Server-sent events. */
export function serverSentEvents (isAsked: (topic: string) => boolean): Framing {
  return {
    type: 'text/event-stream',
    start: ': events\n\n',
    beat: ':\n\n',
    lapsed: ': the capability has ended\n\n',
    frame: ({ id, topic, json }) => isAsked(topic) ? `id: ${id}\nevent: ${topic}\ndata: ${json}\n\n` : '',
  }
}

/** One JSON value a line; an empty line says nothing. */
export const NDJSON: Framing = { type: 'application/x-ndjson; charset=utf-8', start: '\n', beat: '\n', lapsed: '', frame: ({ json }) => `${json}\n` }
