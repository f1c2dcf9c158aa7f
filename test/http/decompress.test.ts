import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { createServer } from '../../src/http/server.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'

async function serve (t: Test) {
  const metrics = createMetrics()
  const app = createServer({ service: 'admin', inFlight: 10 }, { metrics: metrics.http, log: createLogger({ level: 'silent' }), now: Date.now })
  app.post('/', async ({ body }) => ({ body }))
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => {
    app.server.closeAllConnections()
    return app.close()
  })
  const post = async (encoding: string, body: Uint8Array, chunked = false) => {
    const sent = request(url, { method: 'POST', headers: { 'content-type': 'application/json', 'content-encoding': encoding, ...(!chunked && { 'content-length': body.byteLength }) } })
    sent.end(body)
    const [response] = await once(sent, 'response') as [IncomingMessage]
    let text = ''
    for await (const part of response.setEncoding('utf8')) text += String(part)
    return { status: response.statusCode, body: JSON.parse(text) as unknown }
  }
  const rejected = async (reason: string) => (await metrics.rejected.get()).values.find(({ labels }) => labels.reason === reason)?.value ?? 0
  return { post, rejected }
}

const TEXT = { words: Array.from({ length: 200 }, (_, index) => `word ${index * 7919 % 1009}`) }
const JSON_TEXT = Buffer.from(JSON.stringify(TEXT))

t.test('bodies may be compressed, announced and chunked', async t => {
  const { post } = await serve(t)
  for (const chunked of [false, true]) {
    for (const [encoding, body] of [['gzip', gzipSync(JSON_TEXT)], ['GZIP', gzipSync(JSON_TEXT)], ['deflate', deflateSync(JSON_TEXT)], ['br', brotliCompressSync(JSON_TEXT)], ['identity', JSON_TEXT]] as const) {
      t.same(await post(encoding, body, chunked), { status: 200, body: { body: TEXT } }, encoding)
    }
  }
})

t.test('a body that grows beyond ten times its size is refused with 413, counted, and the next one is served', async t => {
  const { post, rejected } = await serve(t)
  const bombs = [gzipSync(Buffer.alloc(64 * 2 ** 20)), deflateSync(Buffer.alloc(64 * 2 ** 20)), brotliCompressSync(Buffer.alloc(64 * 2 ** 20))]
  for (const [index, encoding] of ['gzip', 'deflate', 'br'].entries()) {
    t.match(await post(encoding, bombs[index] ?? Buffer.alloc(0)), { status: 413, body: { error: { code: 'TooLarge', hint: 'Send it uncompressed.' } } }, encoding)
  }
  t.equal(await rejected('decompress'), 3)
  t.match(await post('gzip', gzipSync(JSON_TEXT)), { status: 200 })
})

t.test('a body that grows slowly beyond what the route takes is refused too, and the server lives', async t => {
  const { post, rejected } = await serve(t)
  const noise = Buffer.alloc(8 * 2 ** 20)
  for (let at = 0; at < noise.length; at += 5) noise[at] = at * 2_654_435_761 >>> 13
  const bodies = [gzipSync(noise), gzipSync(Buffer.alloc(200 * 2 ** 20, ' '))]
  for (const body of bodies) t.match(await post('gzip', body, true).catch((err: NodeJS.ErrnoException) => ({ status: err.code })), { status: 413 })
  t.equal(await rejected('decompress'), bodies.length)
  t.match(await post('gzip', gzipSync(JSON_TEXT)), { status: 200 })
})

t.test('what is cut off, is not compressed, or is encoded twice or in another way is refused', async t => {
  const { post, rejected } = await serve(t)
  t.match(await post('gzip', gzipSync(JSON_TEXT).subarray(0, 100)), { status: 400 })
  t.match(await post('gzip', JSON_TEXT), { status: 400, body: { error: { code: 'BadRequest' } } })
  t.match(await post('gzip, gzip', gzipSync(gzipSync(JSON_TEXT))), { status: 415 })
  t.match(await post('zstd', JSON_TEXT), { status: 415 })
  t.match(await post('constructor', JSON_TEXT), { status: 415 })
  t.equal(await rejected('http_type'), 3)
})
