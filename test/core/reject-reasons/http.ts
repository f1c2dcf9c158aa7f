import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Test } from 'tap'
import { parseKey } from '../../../src/core/key.ts'
import { createServer } from '../../../src/http/server.ts'
import { raiseWall } from '../../../src/http/wall.ts'
import { createLogger } from '../../../src/observability/logger.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { NO_RULES } from '../../../src/policy/policy.ts'
import { PolicyHolder } from '../../../src/policy/policy-holder.ts'
import { RateLimit } from '../../../src/policy/rate-limit.ts'
import { WriteGate } from '../../../src/policy/write-gate.ts'
import { askAdmin } from '../../admin.ts'
import { startTestDaemon, type TestDaemon } from '../../daemon.ts'
import { startPublicServer } from '../../http/support/public-server.ts'
import { sendBytes } from '../../http/support/raw.ts'
import { toName, yieldsThenHangs } from '../../lookup/support/planes.ts'
import { encodeMmdb } from '../../policy/mmdb.ts'
import { countOf, type Produce } from './produce.ts'

// The reasons of the HTTP surfaces, over the listeners of a daemon wherever loopback and a healthy machine can bring them about.

const TEXT = `b3:${'c1'.repeat(32)}`
const LOOPBACK = '127.0.0.0/8'

/** One request, or a few, to a daemon with these settings. */
function daemon (refuse: (daemon: TestDaemon) => Promise<unknown>, flags: Readonly<Record<string, string>> = {}, prepare: (daemon: TestDaemon) => Promise<unknown> = async () => {}): Produce {
  return async (t, reason) => {
    const running = await startTestDaemon(t, { flags: { 'discv5.enabled': 'false', ...flags } })
    await prepare(running)
    return await countOf(running, reason, async () => await refuse(running))
  }
}

const get = (path: string, init: RequestInit = {}) => async ({ publicUrl }: TestDaemon) => await (await fetch(`${publicUrl}${path}`, init)).arrayBuffer()
const admin = (method: string, path: string, body?: unknown) => async ({ adminSocket }: TestDaemon) => await askAdmin(adminSocket, method, path, body)
const provide = admin('POST', '/v1/providers', { key: TEXT })
const mint = (memo: string) => admin('POST', '/v1/caps', { memo, permissions: ['status:read'] })

/** A request as the admin socket never gets one from ronctl. */
function oddly (headers: Readonly<Record<string, string>>, body: string | Buffer): (daemon: TestDaemon) => Promise<unknown> {
  return async ({ adminUrl }) => {
    const sent = request(`${adminUrl}/v1/caps`, { method: 'POST', agent: false, headers })
    sent.end(body)
    const [response] = await once(sent, 'response') as [NodeJS.ReadableStream]
    response.resume()
  }
}

/** As the owner, whose capability a test's daemon leaves beside its socket. */
async function withOwner (running: TestDaemon, headers: Readonly<Record<string, string>>, body: string | Buffer): Promise<unknown> {
  const { body: minted } = await askAdmin(running.adminSocket, 'POST', '/v1/caps', { memo: 'odd', permissions: ['cap:mint'] })
  const { token } = minted as { readonly token: string }
  return await oddly({ authorization: `Bearer ${token}`, ...headers }, body)(running)
}

/** A daemon that knows where loopback is. */
function origin (kind: 'asn' | 'country', record: Parameters<typeof encodeMmdb>[1][number]['record'], rule: Readonly<Record<string, string>>): Produce {
  return async (t, reason) => {
    const file = join(folder(t), `${kind}.mmdb`)
    writeFileSync(file, encodeMmdb(`Test-${kind === 'asn' ? 'ASN' : 'Country'}`, [{ prefix: LOOPBACK, record }]))
    return await daemon(get(`/routing/v1/providers/${TEXT}`), { [`policy.${kind}Database`]: file, ...rule })(t, reason)
  }
}

/** Where nothing is known of a public address, which a connection here can only be said to have. */
async function unknownOrigin (t: Test, reason: string): Promise<number> {
  const metrics = createMetrics()
  const policy = new PolicyHolder({ profile: 'strict', allow: NO_RULES, deny: { ...NO_RULES, countries: ['CH'] } }, {
    sources: { asn: undefined, country: { find: () => undefined, fault: () => undefined } }, onProfile: () => {},
  })
  const app = createServer({ service: 'public', inFlight: 10 }, { metrics: metrics.http, log: createLogger({ level: 'silent' }), now: () => 0 })
  app.addHook('onRequest', async asked => { Object.defineProperty(asked, 'ip', { value: '203.0.113.7' }) })
  raiseWall(app, { surface: 'public' }, {
    rate: new RateLimit({ perSecond: 1 }), authorizer: { authorize: () => { throw new Error('public') } }, policy, admission: { admit: () => {} }, writes: new WriteGate([]), onLapse: () => {}, now: () => 0,
  })
  app.get('/openapi.json', async () => ({}))
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => { await app.close() })
  return await countOf(metrics, reason, async () => await (await fetch(`${url}/openapi.json`)).text())
}

async function overload (t: Test, reason: string): Promise<number> {
  const { url, load, metrics } = await startPublicServer(t)
  load.note(100_000)
  return await countOf(metrics, reason, async () => await (await fetch(`${url}/routing/v1/providers/${TEXT}`)).text())
}

async function tooManyWalks (t: Test, reason: string): Promise<number> {
  const { url, plane, metrics } = await startPublicServer(t, { concurrent: 1 })
  const walking = Promise.withResolvers<void>()
  const leaving = new AbortController()
  plane.scripts.set(toName(parseKey(TEXT)), {
    walk: walk => {
      walking.resolve()
      return yieldsThenHangs(walk)
    },
  })
  const first = fetch(`${url}/routing/v1/providers/${TEXT}`, { signal: leaving.signal }).catch(() => {})
  await walking.promise
  const counted = await countOf(metrics, reason, async () => await (await fetch(`${url}/routing/v1/providers/b3:${'c2'.repeat(32)}`)).text())
  leaving.abort()
  await first
  return counted
}

/** One request that stays, as a stream of events does. */
async function streaming ({ adminSocket }: TestDaemon): Promise<void> {
  const { body } = await askAdmin(adminSocket, 'POST', '/v1/caps', { memo: 'watcher', permissions: ['event:read'] })
  const sent = request({ socketPath: adminSocket, path: '/v1/events', headers: { authorization: `Bearer ${(body as { readonly token: string }).token}` } }).end()
  sent.on('error', () => {})
  await once(sent, 'response')
}

/** Until the log, which is in memory here, is full: less than 256 entries are never let go. */
async function fillLog (running: TestDaemon): Promise<void> {
  for (let round = 0; round < 1000; round++) {
    const { status } = await admin('PUT', '/v1/ops/degraded', { on: round % 2 === 0, reason: 'x'.repeat(500) })(running)
    if (status === 503) return
  }
  throw new Error('the log takes more than it may')
}

function folder (t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const TCP = { 'admin.listen': '127.0.0.1:0' }
const JSON_TYPE = { 'content-type': 'application/json' }

export const HTTP = {
  overload,
  quota_grants: daemon(mint('one more'), { 'admin.grants': '1' }),
  http_path: daemon(get('/nothing')),
  http_method: daemon(get(`/routing/v1/providers/${TEXT}`, { method: 'DELETE' })),
  http_accept: daemon(get(`/routing/v1/providers/${TEXT}`, { headers: { accept: 'text/html' } })),
  http_key: daemon(get('/routing/v1/providers/no-key')),
  http_filter: daemon(admin('GET', '/v1/events?topic=none')),
  http_body: daemon(admin('POST', '/v1/caps', { odd: 1 })),
  http_header: daemon(async ({ publicUrl }) => await sendBytes(publicUrl, `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)),
  http_type: daemon(async running => await withOwner(running, { 'content-type': 'text/plain' }, 'x'), TCP),
  http_rate: daemon(async running => { for (let round = 0; round < 20; round++) await admin('GET', '/v1/status')(running) }, { 'admin.requestsPerPrincipalPerSecond': '1' }),
  http_inflight: daemon(admin('GET', '/v1/status'), { 'admin.inFlight': '1' }, streaming),
  http_lookup: tooManyWalks,
  unauth: daemon(oddly(JSON_TYPE, '{}'), TCP),
  policy_ip: daemon(get(`/routing/v1/providers/${TEXT}`), { 'policy.denyPrefixes': LOOPBACK }),
  policy_asn: origin('asn', { autonomous_system_number: 64_500 }, { 'policy.denyAsns': '64500' }),
  policy_country: origin('country', { country: { iso_code: 'CH' } }, { 'policy.denyCountries': 'CH' }),
  policy_origin: unknownOrigin,
  policy_unlisted: daemon(get(`/routing/v1/providers/${TEXT}`), { 'policy.profile': 'strict', 'policy.allowPrefixes': '198.51.100.0/24' }),
  policy_down: daemon(get(`/routing/v1/providers/${TEXT}`), { 'policy.countryDatabase': '/nonexistent/country.mmdb', 'policy.denyCountries': 'CH' }),
  degraded: daemon(provide, {}, admin('PUT', '/v1/ops/degraded', { on: true, reason: 'a disk is changed' })),
  audit: daemon(provide, { 'audit.memoryBytes': '65536' }, fillLog),
  decompress: daemon(async running => await withOwner(running, { ...JSON_TYPE, 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(900_000))), TCP),
} satisfies Record<string, Produce>
