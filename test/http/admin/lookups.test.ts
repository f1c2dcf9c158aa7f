import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { base36 } from 'multiformats/bases/base36'
import { base58btc } from 'multiformats/bases/base58'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import t from 'tap'
import { DhtError } from '../../../src/core/errors.ts'
import type { LookupOptions } from '../../../src/lookup/answer.ts'
import type { LookupEvent } from '../../../src/http/admin/wire.ts'
import { only } from '../../patterns.ts'
import { answerOf, fakePorts, fetchJson, HEX, KEY, open, OTHER_PEER, PEER, RECORD, startDaemon } from './fake-daemon.ts'

const PROVIDERS = `/v1/lookups/providers/${encodeURIComponent(KEY)}`

async function readEvents (response: IncomingMessage): Promise<LookupEvent[]> {
  const text = await new Response(response).text()
  return text.trimEnd().split('\n').map(line => JSON.parse(line) as LookupEvent)
}

t.test('each kind of lookup streams its records as NDJSON, done last', async t => {
  const socket = await startDaemon(t)
  for (const [path, ids] of Object.entries({ [PROVIDERS]: [PEER], [`/v1/lookups/peers/${PEER}`]: [PEER], [`/v1/lookups/closest/${PEER}`]: [PEER, OTHER_PEER] })) {
    const response = await open(socket, { path })
    t.equal(response.statusCode, 200)
    t.match(response.headers, { 'content-type': /^application\/x-ndjson/, 'cache-control': 'no-store' })
    const events = await readEvents(response)
    t.same(events.flatMap(event => event.event === 'record' ? [event.record.id] : []), ids, path)
    t.match(events.at(-1), { event: 'done', cached: false, trace: { messages: 12, hops: 2 } })
  }
})

t.test('a lookup gets the multihash and the limit asked for, 100 when none was', async t => {
  const asked: Array<[string, number]> = []
  const { lookup } = fakePorts()
  const socket = await startDaemon(t, { lookup: { ...lookup, providers: (key, { limit }) => { asked.push([Buffer.from(key).toString('hex'), limit]); return answerOf([]) } } })
  for (const query of ['', '?limit=1', '?limit=1000']) await readEvents(await open(socket, { path: PROVIDERS + query }))
  t.same(asked, [[`1e20${HEX}`, 100], [`1e20${HEX}`, 1], [`1e20${HEX}`, 1000]])
})

t.test('a peer is looked up under its base58 text, however it was given', async t => {
  const asked: string[] = []
  const { lookup } = fakePorts()
  const socket = await startDaemon(t, { lookup: { ...lookup, peer: id => { asked.push(id); return answerOf([]) } } })
  const cid = CID.createV1(0x72, Digest.decode(base58btc.baseDecode(PEER))).toString(base36)
  for (const text of [PEER, cid]) await readEvents(await open(socket, { path: `/v1/lookups/peers/${text}` }))
  t.same(asked, [PEER, PEER])
})

t.test('limits, parameters, keys and kinds that do not exist are refused', async t => {
  const socket = await startDaemon(t)
  for (const query of ['limit=0', 'limit=1001', 'limit=-1', 'limit=1.5', 'limit=ten', 'limit=', 'limit=5&limit=6', 'max=5']) {
    t.match(await fetchJson(socket, { path: `${PROVIDERS}?${query}` }), { status: 400, body: { error: { code: 'BadRequest', hint: String } } }, query)
  }
  t.match(await fetchJson(socket, { path: '/v1/lookups/closest/nonsense' }), { status: 400, body: { error: { message: /^Not a key/ } } })
  t.match(await fetchJson(socket, { path: `/v1/lookups/peers/${encodeURIComponent(KEY)}` }), { status: 400, body: { error: { message: 'Not a peer ID.', hint: /12D3/ } } })
  t.match(await fetchJson(socket, { path: '/v1/lookups/constructor/x' }), { status: 404, body: { error: { code: 'NotFound', hint: /providers, peers, closest/ } } })
})

t.test('a lookup refused before its first event is an error with its own status', async t => {
  const { lookup } = fakePorts()
  const refusing = (async function * () { throw new DhtError('Backpressure', 'Too many lookups walk.') })()
  const socket = await startDaemon(t, { lookup: { ...lookup, providers: () => answerOf(refusing) } })
  t.match(await fetchJson(socket, { path: PROVIDERS }), { status: 429, body: { error: { code: 'Backpressure', retryable: true } } })
})

t.test('a lookup that breaks later still ends with done', async t => {
  const { lookup } = fakePorts()
  async function * breaking () {
    yield RECORD
    throw new Error('broken')
  }
  const socket = await startDaemon(t, { lookup: { ...lookup, providers: () => answerOf(breaking()) } })
  t.match(await readEvents(await open(socket, { path: PROVIDERS })), only({ event: 'record' }, { event: 'done', truncated: 'error' }))
})

t.test('a lookup ends when its client leaves', async t => {
  const { lookup } = fakePorts()
  const ended = Promise.withResolvers<void>()
  const providers = (_: Uint8Array, { signal }: LookupOptions) => answerOf((async function * () {
    yield RECORD
    await once(signal, 'abort')
    ended.resolve()
    throw signal.reason
  })())
  const socket = await startDaemon(t, { lookup: { ...lookup, providers } })
  const response = await open(socket, { path: PROVIDERS })
  response.on('error', () => {}) // that it is cut is the point
  await once(response, 'data')
  response.destroy()
  await ended.promise
  t.pass('the walk was told and stopped')
})

t.test('a lookup that fails to end when its client leaves harms nobody else', async t => {
  const { lookup } = fakePorts()
  const ended = Promise.withResolvers<void>()
  async function * stubborn () {
    try {
      for (;;) {
        yield RECORD
        await turn()
      }
    } finally {
      ended.resolve()
      await turn()
      await Promise.reject(new Error('cannot end'))
    }
  }
  const socket = await startDaemon(t, { lookup: { ...lookup, providers: () => answerOf(stubborn()) } })
  const response = await open(socket, { path: PROVIDERS })
  response.on('error', () => {})
  await once(response, 'data')
  response.destroy()
  await ended.promise
  await turn()
  t.match(await fetchJson(socket, { path: '/v1/status' }), { status: 200 })
})

t.test('a lookup whose client leaves before the first event ends too', async t => {
  const { lookup } = fakePorts()
  const begun = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const providers = (_: Uint8Array, { signal }: LookupOptions) => answerOf((async function * () {
    begun.resolve()
    await once(signal, 'abort')
    ended.resolve()
  })())
  const socket = await startDaemon(t, { lookup: { ...lookup, providers } })
  const client = new AbortController()
  request({ socketPath: socket, path: PROVIDERS, agent: false, signal: client.signal }).on('error', () => {}).end()
  await begun.promise
  client.abort()
  await ended.promise
  t.pass('the walk was told and stopped')
})

t.test('a client that does not read holds the lookup back', async t => {
  const { lookup } = fakePorts()
  const total = 2000
  const large = { ...RECORD, addrs: [`/dns4/${'a'.repeat(50_000)}`] }
  let taken = 0
  async function * many () {
    for (; taken < total; taken++) {
      yield large
      await turn()
    }
  }
  const socket = await startDaemon(t, { lookup: { ...lookup, providers: () => answerOf(many()) } })
  const response = await open(socket, { path: PROVIDERS })
  for (let quiet = 0, before = -1; quiet < 200; quiet = taken === before ? quiet + 1 : 0, before = taken) await turn()
  t.ok(taken < total / 2, 'the lookup stands still')
  let records = 0
  for await (const event of linesOf(response)) records += Number(event.event === 'record')
  t.equal(records, total, 'and goes on when it is read')
})

function turn (): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

async function * linesOf (response: IncomingMessage): AsyncGenerator<LookupEvent> {
  for await (const line of createInterface({ input: response })) yield JSON.parse(line) as LookupEvent
}
