import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { request, type Agent, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emptyTrace, type PeerRecord } from '../../../src/core/peer.ts'
import { DhtError } from '../../../src/core/errors.ts'
import { EventHub } from '../../../src/http/admin/event-hub.ts'
import { AdminSocket } from '../../../src/http/admin/socket.ts'
import type { AdminPorts } from '../../../src/http/admin/ports.ts'
import { SNAPSHOT } from '../ops/status/snapshot.ts'
import { registerAdminRoutes } from '../../../src/http/admin/routes.ts'
import { createServer } from '../../../src/http/server.ts'
import type { Answer, AnswerSummary } from '../../../src/lookup/answer.ts'
import { createLogger } from '../../../src/observability/logger.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { NO_RULES } from '../../../src/policy/policy.ts'
import { PolicyHolder } from '../../../src/policy/policy-holder.ts'
import { WriteGate } from '../../../src/policy/write-gate.ts'

/** 2026-01-02T03:04:05Z: what every clock in these tests shows. */
export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)
const HOUR_MS = 3_600_000
export const PEER = '12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf'
export const OTHER_PEER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
export const HEX = 'af'.repeat(32)
export const KEY = `b3:${HEX}`
export const CID = 'bafkr4ifpv6x27l5pv6x27l5pv6x27l5pv6x27l5pv6x27l5pv6x27l5pv4'

export const RECORD: PeerRecord = { id: PEER, addrs: ['/ip4/192.0.2.7/tcp/4001', '/dns4/a.example/tcp/443/wss'], protocols: [] }

/** Where nobody has minted anything, and nobody may. */
const NO_CAPS: AdminPorts['caps'] = {
  mint: refuse, revoke: refuse, beginRotation: refuse, finishRotation: refuse, judge: () => { throw new DhtError('NoCapability', 'not here') }, list: () => [],
}

async function refuse (): Promise<never> {
  throw new DhtError('NoCapability', 'not here')
}

/** A daemon that answers with plausible values; a test replaces the ports it is about. */
export function fakePorts (overrides: Partial<AdminPorts> = {}): AdminPorts {
  return {
    status: () => ({
      version: '1.2.3',
      git_sha: 'abc1234',
      profile: 'micronode',
      peer_id: PEER,
      protocol: '/ron/kad/1.0.0',
      addresses: ['/ip4/127.0.0.1/tcp/7460', '/ip4/127.0.0.1/tcp/7464/ws'],
      readiness: { ready: true, reasons: [] },
      uptime_seconds: 7380,
      config_digest: KEY,
      routing_table_peers: 17,
      connections: 23,
      provider_records: 1200,
      provider_keys: 800,
      expiry_lag_seconds: 0,
      values: 4,
      announced_keys: 1,
      rss_bytes: 120 * 1024 * 1024,
    }),
    policy: new PolicyHolder({ profile: 'standard', allow: NO_RULES, deny: { ...NO_RULES, prefixes: ['192.0.2.0/24'] } }, { sources: { asn: undefined, country: undefined }, onProfile: () => {} }),
    policySource: () => 'configuration',
    budgets: () => [{ what: 'public requests of a /24 or /48', limit: 500, unit: 'a second', setting: 'public.requestsPerPrefixPerSecond' }],
    writes: new WriteGate([]),
    overview: { snapshot: async () => SNAPSHOT },
    caps: NO_CAPS,
    now: () => NOW,
    peers: () => [
      { id: PEER, addrs: ['/ip4/192.0.2.7/tcp/4001'], bucket: 3, ip_groups: ['192.0.0.0/16'], added_at: toIso(-HOUR_MS), connected: true },
      { id: OTHER_PEER, addrs: ['/ip4/127.0.0.1/tcp/1'], bucket: 0, ip_groups: [], added_at: toIso(-90_000), connected: false },
    ],
    records: () => [
      { provider: PEER, addrs: RECORD.addrs, received_at: toIso(-60_000), expires_at: toIso(24 * HOUR_MS - 60_000), source: 'rpc', ip_prefix: '192.0.2.0/24' },
    ],
    quotas: peer => ({
      peer,
      records: { used: 50, limit: 200 },
      prefixes: [{ prefix: '192.0.2.0/24', used: 60, limit: 300 }],
      total: { used: 1200, limit: 10_000 },
      announcements: { available: 800, per_second: 200 },
    }),
    topHolders: () => ({
      peers: [{ peer: PEER, used: 150, limit: 200 }, { peer: OTHER_PEER, used: 50, limit: 200 }],
      prefixes: [{ prefix: '192.0.2.0/24', used: 270, limit: 300 }],
      total: { used: 1200, limit: 10_000 },
    }),
    announcer: {
      assertAnnounces: () => {},
      announce: async (_, { ttlMs = 24 * HOUR_MS }) => ({ created: true, expiresAt: NOW + ttlMs, reached: 17, attempted: 20, trace: { ...emptyTrace(), messages: 40 } }),
      withdraw: async () => NOW + 2 * HOUR_MS,
    },
    lookup: {
      providers: () => answerOf([RECORD]),
      peer: () => answerOf([RECORD]),
      closest: () => answerOf([RECORD, { ...RECORD, id: OTHER_PEER }]),
    },
    audit: {
      head: () => ({ origin: 'example.com/audit', size: 0, published: 0, minimum: 0, root: '', keys: [], refusal: undefined }),
      file: async () => undefined,
      proof: async () => { throw new DhtError('NotFound', 'No checkpoint covers it.') },
      async * rawEntries () {},
    },
    auditKeys: { rotate: async () => ({ seq: 0, ts: NOW }) },
    actions: { record: async () => ({ seq: 0, ts: NOW }) },
    events: new EventHub({ limit: 100, limitBytes: 1e6 }, { onLagged: () => {} }),
    governance: {
      ledger: undefined,
      fault: undefined,
      inForce: undefined,
      inputs: 0,
      at: NOW,
      submit: async () => { throw new DhtError('NotFound', 'This daemon is not governed.') },
      check: () => { throw new DhtError('NotFound', 'This daemon is not governed.') },
    },
    discv5: undefined,
    discovered: new EventHub({ limit: 100, limitBytes: 1e6 }, { onLagged: () => {} }),
    bans: [],
    degraded: { current: undefined, turn: async (on, { reason, actor }) => on ? { reason, actor, since: NOW } : undefined },
    config: { digest: KEY, settings: { 'kad.bucketSize': '20', 'kad.listen': '/ip4/127.0.0.1/tcp/7460', 'log.level': 'info', 'identity.passphraseFile': '(set)' }, drift: { 'kad.bucketSize': { configured: '16', in_force: '20' } } },
    ...overrides,
  }
}

export function answerOf (records: Iterable<PeerRecord> | AsyncIterable<PeerRecord>, summary: Partial<AnswerSummary> = {}): Answer {
  return {
    records: (async function * () { yield * records })(),
    summary: { resolvedAt: NOW, cached: false, truncated: undefined, trace: { messages: 12, answered: 9, failed: 1, hops: 2, path: [PEER, OTHER_PEER] }, ...summary },
  }
}

export interface TempTest { teardown (fn: () => unknown): unknown }

/** A directory of mode 0700 that is gone after the test. */
export function tempDirectory (t: TempTest): string {
  const directory = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** The admin API as the daemon has it, without the daemon. Listens when `start` is called. */
export function adminSocket (path: string, ports = fakePorts(), { drainTimeoutMs = 0, inFlight = 64 } = {}): AdminSocket {
  const log = createLogger({ level: 'silent' })
  const app = createServer({ service: 'admin', inFlight }, { metrics: createMetrics().http, log, now: () => NOW })
  registerAdminRoutes(app, ports)
  return new AdminSocket({ path, drainTimeoutMs }, { app, log })
}

/** A daemon's admin API on a socket of its own until the test ends. */
export async function startDaemon (t: TempTest, overrides: Partial<AdminPorts> = {}): Promise<string> {
  const socketPath = join(tempDirectory(t), 'admin.sock')
  const daemon = adminSocket(socketPath, fakePorts(overrides))
  await daemon.start()
  t.teardown(() => daemon.stop())
  return socketPath
}

export interface Call {
  readonly method?: string
  readonly path: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Absent: a connection for this call alone. */
  readonly agent?: Agent
}

/** The response as soon as its head is there. */
export async function open (socketPath: string, { method = 'GET', path, body, headers = {}, agent }: Call): Promise<IncomingMessage> {
  const call = request({ socketPath, method, path, agent: agent ?? false, headers })
  call.end(body)
  const [response] = await once(call, 'response') as [IncomingMessage]
  return response
}

export async function fetchJson (socketPath: string, call: Call): Promise<{ status: number | undefined, body: unknown }> {
  const response = await open(socketPath, call)
  return { status: response.statusCode, body: JSON.parse(await new Response(response).text()) }
}

/** The request of `POST /v1/providers`. */
export function provide (body: unknown, headers: Readonly<Record<string, string>> = { 'content-type': 'application/json' }): Call {
  return { method: 'POST', path: '/v1/providers', body: typeof body === 'string' ? body : JSON.stringify(body), headers }
}

function toIso (offsetMs: number): string {
  return new Date(NOW + offsetMs).toISOString()
}
