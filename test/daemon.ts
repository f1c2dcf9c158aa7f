import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { startDaemon, type Daemon } from '../src/compose.ts'
import { loadConfig } from '../src/config/load.ts'
import type { Clock } from '../src/core/component.ts'
import { createEphemeralIdentity, type IdentityKey } from '../src/kms/identity.ts'
import { createLogger } from '../src/observability/logger.ts'
import { createMetrics } from '../src/observability/metrics.ts'

export interface TestDaemon extends Daemon {
  readonly publicUrl: string
  readonly opsUrl: string
  /** What it logged, one parsed JSON object a line. */
  readonly logs: ReadonlyArray<Record<string, unknown>>
  /** The value of a metric's series, 0 when there is none. `name{label="value"}` as /metrics prints it. */
  metric (series: string): Promise<number>
}

interface Options {
  readonly flags?: Readonly<Record<string, string>>
  readonly now?: Clock
  /** Moved together with `now`, when time is to pass and no clock to jump. */
  readonly monotonic?: Clock
  readonly identity?: IdentityKey
}

const TEST_FLAGS = {
  'kad.listen': '/ip4/127.0.0.1/tcp/0',
  'kad.addresses': 'any',
  'node.toleratedLag': '10s', // a busy machine is no reason to refuse a test
  'kad.inboundConnectionsPerSecond': '1000',
  'kad.bootstrapProbeInterval': '100ms',
  'kad.bootstrapLapse': '1s',
  'public.listen': '127.0.0.1:0',
  'discv5.listen': '127.0.0.1:0',
  'ops.listen': '127.0.0.1:0',
  'node.drainTimeout': '1s',
}

/** The identity is given by the test: nobody reads these files, but a macronode that keeps something must name them. */
const OF_TEST = { 'identity.keyFile': '/nonexistent/identity', 'identity.passphraseFile': '/nonexistent/passphrase' }

/** A whole daemon on free loopback ports, stopped when the test ends. */
export async function startTestDaemon (t: Test, { flags = {}, now = Date.now, monotonic, identity = createEphemeralIdentity() }: Options = {}): Promise<TestDaemon> {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const logs: Array<Record<string, unknown>> = []
  const metrics = createMetrics()
  const isNamed = flags['identity.keyFile'] !== undefined
  const config = loadConfig({ flags: { ...TEST_FLAGS, ...(!isNamed && flags['node.dataDir'] !== undefined && OF_TEST), ...flags } })
  const daemon = await startDaemon(isNamed ? config : { ...config, identity: { keyFile: '', passphraseFile: '' } }, {
    identity,
    version: { version: '0.0.0-test', gitSha: 'unknown' },
    adminSocket: join(folder, 'run', 'admin.sock'),
    ownerFile: join(folder, 'run', 'admin.cap'),
    log: createLogger({ level: 'debug' }, { write: line => { logs.push(JSON.parse(line)) } }),
    metrics,
    monotonic,
    given: new Set(Object.keys({ ...TEST_FLAGS, ...flags })),
    now,
  })
  t.teardown(async () => { await daemon[Symbol.asyncDispose]() })
  async function metric (series: string): Promise<number> {
    const lines = (await metrics.registry.metrics()).split('\n')
    return Number(lines.find(line => line.startsWith(`${series} `))?.slice(series.length + 1) ?? 0)
  }
  return { ...daemon, publicUrl: daemon.publicUrl ?? '', opsUrl: daemon.opsUrl ?? '', logs, metric }
}

/** An overlay whose daemons know each other and are all ready. */
export async function startTestOverlay (t: Test, count: number, options: Options = {}): Promise<TestDaemon[]> {
  const daemons: TestDaemon[] = []
  for (let index = 0; index < count; index++) daemons.push(await startTestDaemon(t, options))
  for (const daemon of daemons) daemon.bootstrapFrom(daemons.filter(other => other !== daemon).map(joinAddress))
  await until(() => daemons.every(daemon => daemon.readiness().ready), 'every daemon is ready')
  return daemons
}

/** The address to bootstrap from. */
export function joinAddress (daemon: Pick<Daemon, 'addresses'>): string {
  return daemon.addresses()[0] ?? ''
}

/** Waits for something that other parties bring about. The bound is for a hung test; nothing is asserted about time. */
export async function until (holds: () => boolean | Promise<boolean>, what: string, patienceMs = 25_000): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!await holds()) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`)
    await sleep(20)
  }
}
