import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { AdminClient } from '../../src/cli/client.ts'
import type { LookupEvent } from '../../src/http/admin/wire.ts'
import { KEY, tempDirectory, type TempTest } from '../http/admin/fake-daemon.ts'

const signal = new AbortController().signal

/** Something that answers on a socket, however it likes. */
async function startServer (t: TempTest, listener: RequestListener): Promise<string> {
  const socketPath = join(tempDirectory(t), 'admin.sock')
  const server = createServer(listener).listen(socketPath)
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return socketPath
}

t.test('no socket, or one nobody answers on, means that the daemon is not running', async t => {
  const directory = tempDirectory(t)
  const missing = join(directory, 'admin.sock')
  await t.rejects(new AdminClient({ socketPath: missing, signal }).status(), {
    exit: 'unreachable', code: 'Unreachable', message: `The daemon is not running (looked at ${missing}).`, hint: /--socket PATH or RONCTL_SOCKET/,
  })
  writeFileSync(join(directory, 'file'), '')
  await t.rejects(new AdminClient({ socketPath: join(directory, 'file'), signal }).status(), { exit: 'unreachable', message: /looked at/ })
})

t.test('a socket that this user may not open is a refusal', { skip: process.getuid?.() === 0 && 'root may open everything' }, async t => {
  const socketPath = await startServer(t, () => {})
  chmodSync(socketPath, 0)
  await t.rejects(new AdminClient({ socketPath, signal }).status(), { exit: 'refused', code: 'NoCapability', message: /looked at/ })
})

t.test('other failures of the connection are told as they are', async t => {
  await t.rejects(new AdminClient({ socketPath: `/${'a'.repeat(200)}`, signal }).status(), { exit: 'unreachable', message: /connection to the daemon failed: .*E/ })
  const socketPath = await startServer(t, request => { request.socket.destroy() })
  await t.rejects(new AdminClient({ socketPath, signal }).status(), { exit: 'unreachable', message: /socket hang up/ })
})

t.test('a daemon that stays silent is given up', async t => {
  const socketPath = await startServer(t, () => {})
  await t.rejects(new AdminClient({ socketPath, signal, idleTimeoutMs: 20 }).status(), { exit: 'later', code: 'Timeout', retryable: true, message: /0\.02 s/ })
})

t.test('a stream that falls silent is given up', async t => {
  const socketPath = await startServer(t, (_, response) => { response.write('{"event":"progress"}\n') })
  const events = new AdminClient({ socketPath, signal, idleTimeoutMs: 20 }).lookup('providers', KEY, 1)
  t.match((await events.next()).value, { event: 'progress' })
  await t.rejects(events.next(), { exit: 'later', code: 'Timeout' })
})

t.test('an envelope becomes a failure with its code, hint and request id', async t => {
  const error = { code: 'Backpressure', message: 'Too many.', retryable: true, hint: 'Wait.', ts: '2026-01-02T03:04:05.000Z', request_id: 'r-1' }
  const socketPath = await startServer(t, (_, response) => { response.writeHead(429).end(JSON.stringify({ error })) })
  await t.rejects(new AdminClient({ socketPath, signal }).peers(), { exit: 'later', code: 'Backpressure', message: 'Too many.', hint: 'Wait.', retryable: true, requestId: 'r-1' })
})

t.test('what is no daemon of ours is said to be none', async t => {
  for (const [status, text] of [[200, 'hello'], [500, '{}'], [500, '<html>'], [404, '{"error":"x"}'], [400, 'null']] as const) {
    const socketPath = await startServer(t, (_, response) => { response.writeHead(status).end(text) })
    await t.rejects(new AdminClient({ socketPath, signal }).peers(), { exit: 'internal', message: /ronctl does not know/, hint: /ronctl version/ }, text)
  }
})

t.test('an answer without end is not read to its end', async t => {
  const socketPath = await startServer(t, (_, response) => {
    const chunk = Buffer.alloc(1024 * 1024, 'a')
    const push = () => { while (!response.destroyed && response.write(chunk)); }
    response.on('drain', push)
    push()
  })
  const client = new AdminClient({ socketPath, signal })
  const tooLong = { exit: 'internal', message: /more than any answer/ }
  await t.rejects(client.peers(), tooLong)
  await t.rejects(client.lookup('providers', KEY, 1).next(), tooLong)
})

t.test('events are read however the bytes were cut', async t => {
  const record = { event: 'record', record: { id: 'x', addrs: ['/dns4/bücher.example/tcp/1'], protocols: [] } }
  const bytes = Buffer.from(`${JSON.stringify(record)}\n\n${JSON.stringify({ event: 'done' })}`)
  const socketPath = await startServer(t, async (_, response) => {
    for (const byte of bytes) await new Promise<void>(resolve => response.write(Buffer.of(byte), () => resolve()))
    response.end()
  })
  const events: LookupEvent[] = []
  for await (const event of new AdminClient({ socketPath, signal }).lookup('providers', KEY, 1)) events.push(event)
  t.same(events, [record, { event: 'done' }])
})

t.test('leaving a lookup closes its connection', async t => {
  const closed = Promise.withResolvers<void>()
  const socketPath = await startServer(t, (_, response) => {
    response.on('close', () => closed.resolve())
    response.write('{"event":"progress"}\n')
  })
  const events = new AdminClient({ socketPath, signal }).lookup('providers', KEY, 1)
  t.match((await events.next()).value, { event: 'progress' })
  await events.return(undefined)
  await closed.promise
})
