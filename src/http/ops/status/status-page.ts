import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { DhtError } from '../../../core/errors.ts'
import { SCRIPT, STYLE } from './assets.ts'
import type { StatusHistory } from './history.ts'
import { renderMain, renderPage } from './page.ts'
import type { StatusSnapshot, StatusSource } from './snapshot.ts'
import { toSecond } from './text.ts'

interface Deps { readonly source: StatusSource, readonly history: StatusHistory }

const HEADERS = {
  // Nothing from elsewhere, nothing inline, nowhere to send anything, in nobody's frame.
  'content-security-policy': "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

const MAX_WATCHERS = 16
/** A reader that is this far behind is let go; the browser comes back by itself. */
const MAX_UNREAD_BYTES = 512 * 1024

/** `GET /status`: the daemon for people, read-only. */
export function addStatusPage (app: FastifyInstance, { source, history }: Deps): void {
  /** Bounded by MAX_WATCHERS. */
  const streams = new Set<ServerResponse>()
  app.addHook('preClose', async () => { for (const stream of streams) stream.end() }) // they have no end of their own
  app.get('/', async (_request, reply) => reply.redirect('status'))
  app.get('/status', async (_request, reply) => {
    const page = renderPage(await source.snapshot(), history.samples)
    return reply.headers(HEADERS).type('text/html; charset=utf-8').send(page)
  })
  app.get('/status.css', async (_request, reply) => reply.headers(HEADERS).type('text/css; charset=utf-8').send(STYLE))
  app.get('/status.js', async (_request, reply) => reply.headers(HEADERS).type('text/javascript; charset=utf-8').send(SCRIPT))

  /** Server-sent events: the sections of the page anew with each look at the daemon. */
  app.get('/status/events', async (_request, reply) => {
    if (streams.size >= MAX_WATCHERS) {
      throw new DhtError('Backpressure', `${MAX_WATCHERS} status pages are open already.`, { hint: 'Close one, or reload this page now and then.', retryAfterMs: 10_000 })
    }
    reply.hijack()
    const { raw } = reply
    streams.add(raw)
    raw.once('close', () => streams.delete(raw))
    stream(reply, history)
  })
}

function stream (reply: FastifyReply, history: StatusHistory): void {
  const { raw } = reply
  raw.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream', 'x-request-id': String(reply.getHeader('x-request-id')) })
  raw.write('retry: 5000\n\n')
  const end = history.watch(snapshot => {
    if (raw.writableLength > MAX_UNREAD_BYTES) raw.destroy()
    else raw.write(toEvent(snapshot, history))
  })
  raw.once('close', end)
}

function toEvent (snapshot: StatusSnapshot, history: StatusHistory): string {
  return `event: status\ndata: ${JSON.stringify({ at: toSecond(snapshot.at), ready: snapshot.readiness.ready, main: renderMain(snapshot, history.samples) })}\n\n`
}
