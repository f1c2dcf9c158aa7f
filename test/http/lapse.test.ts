import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { DhtError } from '../../src/core/errors.ts'
import type { PeerRecord } from '../../src/core/peer.ts'
import { addLookupRoutes } from '../../src/http/admin/lookups.ts'
import { createServer } from '../../src/http/server.ts'
import { raiseWall } from '../../src/http/wall.ts'
import type { LookupOptions } from '../../src/lookup/answer.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { RateLimit } from '../../src/policy/rate-limit.ts'
import { WriteGate } from '../../src/policy/write-gate.ts'
import { ronctl } from '../cli/ronctl.ts'
import { startTestDaemon, until } from '../daemon.ts'
import { answerOf, fakePorts, RECORD, tempDirectory } from './admin/fake-daemon.ts'

const KEY = `b3:${'ab'.repeat(32)}`

/** A daemon with a clock of ours, and readers of what it streams. */
async function setUp (t: Test) {
  const clock = { aheadMs: 0 }
  const daemon = await startTestDaemon(t, { now: () => Date.now() + clock.aheadMs })
  const folder = tempDirectory(t)
  const run = async (...args: readonly string[]) => await ronctl(['--socket', daemon.adminSocket, ...args])
  const mint = async (name: string, ...args: readonly string[]) => {
    const file = join(folder, name)
    const { exit, stdout, stderr } = await run('cap', 'mint', '--memo', name, '--permission', 'event:read', '--out', file, '--json', ...args)
    if (exit !== 0) throw new Error(stderr)
    return { token: readFileSync(file, 'utf8').trim(), id: (JSON.parse(stdout) as { readonly id: string }).id }
  }
  const open = async (token: string, path: string) => {
    const sent = httpRequest({ socketPath: daemon.adminSocket, path, agent: false, headers: { authorization: `Bearer ${token}` } }).end()
    t.teardown(() => sent.destroy())
    const [response] = await once(sent, 'response') as [IncomingMessage]
    return reader(response)
  }
  return { clock, run, mint, open }
}

/** All that is said until the end, and whether it came whole. */
function reader (response: IncomingMessage) {
  const seen = { text: '', ended: undefined as 'whole' | 'cut off' | undefined, atMs: 0, status: response.statusCode }
  response.setEncoding('utf8').on('data', (chunk: string) => { seen.text += chunk }).on('error', () => {})
  response.on('close', () => {
    seen.ended = response.complete ? 'whole' : 'cut off'
    seen.atMs = performance.now()
  })
  return seen
}

t.test('a stream of events ends within 5 s when its capability is revoked or expires; others go on, and nobody reads what came after', async t => {
  const { clock, run, mint, open } = await setUp(t)
  const [kept, revoked, expiring] = [await mint('kept'), await mint('revoked'), await mint('expiring', '--expires', new Date(Date.now() + 3_600_000).toISOString())]
  const [keeps, loses, expires] = [await open(kept.token, '/v1/events'), await open(revoked.token, '/v1/events'), await open(expiring.token, '/v1/events')]

  const revokedAt = performance.now()
  t.match(await run('cap', 'revoke', revoked.id, '--reason', 'left'), { exit: 0 })
  await until(() => loses.ended !== undefined, 'the stream of the revoked capability has ended')
  t.ok(loses.atMs - revokedAt < 5000)
  t.match(loses, { ended: 'whole', text: /: the capability has ended\n\n$/ })

  clock.aheadMs = 3_700_000
  const expiredAt = performance.now()
  await until(() => expires.ended !== undefined, 'the stream of the expired capability has ended')
  t.ok(expires.atMs - expiredAt < 5000)
  t.equal(expires.ended, 'whole')

  await mint('later')
  await until(() => /"memo":"later"|"reason":"later"/.test(keeps.text), 'who still may read reads on')
  t.equal(keeps.ended, undefined)
  for (const { text } of [loses, expires]) t.notMatch(text, 'later')
  t.equal((await open(revoked.token, '/v1/events')).status, 403)
})

t.test('what reads is ended in its own way or cut off when it would be refused now; what changes something is not', async t => {
  const state = { isRevoked: false }
  const lapses: string[] = []
  const app = createServer({ service: 'admin', inFlight: 100 }, { metrics: createMetrics().http, log: createLogger({ level: 'silent' }), now: () => 0 })
  raiseWall(app, { surface: 'admin' }, {
    rate: new RateLimit({ perSecond: 100 }),
    authorizer: {
      authorize: () => {
        if (state.isRevoked) throw new DhtError('NoCapability', 'No.', { reason: 'unauth' })
        return { id: 'a', capabilityId: 'a', bounds: [], conditions: [], isDischarged: false }
      },
    },
    policy: { assertAdmits: () => {} },
    admission: { admit: () => {} },
    writes: new WriteGate([]),
    onLapse: reason => { lapses.push(reason) },
    now: () => 0,
  })
  async function * endless ({ signal }: LookupOptions): AsyncGenerator<PeerRecord> {
    yield RECORD
    if (!signal.aborted) await once(signal, 'abort')
  }
  addLookupRoutes(app, { lookup: { ...fakePorts().lookup, providers: (_, options) => answerOf(endless(options)) } })
  app.get('/v1/peers', { exposeHeadRoute: false }, (_, reply) => {
    reply.hijack()
    reply.raw.write('peers')
  })
  const changed = Promise.withResolvers<string>()
  app.post('/v1/governance/freeze', async () => await changed.promise)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => { await app.close() })
  const open = async (method: string, path: string) => {
    const sent = httpRequest(`${url}${path}`, { method, agent: false, headers: { authorization: 'Bearer x' } }).end()
    return reader((await once(sent, 'response') as [IncomingMessage])[0])
  }

  const freeze = open('POST', '/v1/governance/freeze')
  const [looks, peers] = [await open('GET', `/v1/lookups/providers/${KEY}`), await open('GET', '/v1/peers')]
  await until(() => looks.text !== '' && peers.text !== '', 'both have begun')
  state.isRevoked = true
  await until(() => looks.ended !== undefined && peers.ended !== undefined, 'both have ended')
  t.match(looks, { ended: 'whole', text: /"event":"record"[^]*"event":"done"/ })
  t.match(peers, { ended: 'cut off', text: /^peers$/ })
  t.strictSame(lapses, ['unauth', 'unauth'], 'each is told once')
  changed.resolve('frozen')
  const froze = await freeze
  await until(() => froze.ended !== undefined, 'the freeze is answered')
  t.match(froze, { ended: 'whole', text: 'frozen' })
})
