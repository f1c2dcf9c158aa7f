import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDaemon, type Daemon } from '../compose.ts'
import { adminSocketPath, loadConfig } from '../config/load.ts'
import type { Version } from '../config/version.ts'
import { createEphemeralIdentity } from '../kms/identity.ts'
import { createLogger } from '../observability/logger.ts'
import { createMetrics } from '../observability/metrics.ts'

interface Options {
  /** Daemons to run; the first one listens on the default ports and socket. */
  readonly nodes: number
  readonly flags: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly version: Version
  readonly print: (text: string) => void
  /** Resolves when the overlay is to end. */
  readonly stopped: Promise<unknown>
}

/** Everything on loopback, and patient with a machine that runs many daemons at once. */
const COMMON_FLAGS = { 'kad.addresses': 'any', 'kad.inboundConnectionsPerSecond': '1000', 'node.toleratedLag': '10s', 'log.level': 'warn' }

const FREE_PORTS = {
  'kad.listen': '/ip4/127.0.0.1/tcp/0,/ip4/127.0.0.1/udp/0/quic-v1,/ip4/127.0.0.1/tcp/0/ws',
  'public.listen': '127.0.0.1:0',
  'discv5.listen': '127.0.0.1:0',
  'ops.listen': '127.0.0.1:0',
}

const READY_TIMEOUT_MS = 30_000

/** A live overlay of several daemons in this process, until `stopped`. Leaves nothing behind. */
export async function runDevOverlay (options: Options): Promise<void> {
  const { nodes, print, stopped } = options
  const startedAt = performance.now()
  const sockets = mkdtempSync(join(tmpdir(), 'svc-dht-dev-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rmSync(sockets, { recursive: true, force: true }))

  const daemons: Daemon[] = []
  for (let index = 0; index < nodes; index++) {
    daemons.push(stack.use(await startOne(index, join(sockets, `${index}`, 'admin.sock'), daemons, options)))
  }
  for (const daemon of daemons) daemon.bootstrapFrom(daemons.filter(other => other !== daemon).map(joinAddress))

  print(`Starting an overlay of ${nodes} daemons on loopback …\n`)
  const ending = new AbortController()
  void stopped.then(() => ending.abort())
  const isReady = await allReady(daemons, ending.signal)
  if (ending.signal.aborted) return
  print(isReady
    ? `${nodes} daemons ready after ${((performance.now() - startedAt) / 1000).toFixed(1)} s.\n\n${describe(daemons)}`
    : `Not all daemons became ready:\n${daemons.map(daemon => `  ${JSON.stringify(daemon.readiness())}`).join('\n')}\n`)
  await stopped
  print('\nStopping …\n')
}

async function startOne (index: number, socket: string, before: readonly Daemon[], { flags, env, version }: Options): Promise<Daemon> {
  const isFirst = index === 0
  const others = before.slice(0, 1).map(joinAddress).join(',')
  const bootnodes = before.slice(0, 1).map(daemon => daemon.enr() ?? '').join(',')
  const config = loadConfig({
    env, flags: { ...COMMON_FLAGS, ...(!isFirst && FREE_PORTS), ...(others !== '' && { 'kad.bootstrap': others }), ...(bootnodes !== '' && { 'discv5.bootnodes': bootnodes }), ...flags },
  })
  const log = createLogger({ level: config.log.level, name: `svc-dht-${index + 1}` })
  const adminSocket = isFirst ? adminSocketPath(config, env) : socket
  return await startDaemon(config, {
    identity: createEphemeralIdentity(), version, adminSocket, ownerFile: join(dirname(adminSocket), 'admin.cap'), log, metrics: createMetrics(), now: Date.now,
  })
}

/** Resolves true once every daemon is ready, false when that takes too long or the signal aborts. */
async function allReady (daemons: readonly Daemon[], signal: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + READY_TIMEOUT_MS
  while (performance.now() < deadline && !signal.aborted) {
    if (daemons.every(daemon => daemon.readiness().ready)) return true
    await sleep(50)
  }
  return false
}

function joinAddress (daemon: Daemon): string {
  return daemon.addresses().find(address => address.includes('/tcp/') && !address.includes('/ws')) ?? ''
}

function describe (daemons: readonly Daemon[]): string {
  const [first] = daemons
  const rows = daemons.map((daemon, index) => `  ${String(index + 1).padStart(2)}  ${daemon.peerId}  ${(daemon.publicUrl ?? '–').padEnd(22)}  ${daemon.opsUrl ?? '–'}`)
  return `      peer ID                                               public API              ops
${rows.join('\n')}

Admin socket of daemon 1: ${first?.adminSocket}
Its owner’s capability is beside it, in admin.cap, where ronctl finds it.

In another terminal:
  npx ronctl status
  npx ronctl provide README.md      # prints its key, b3:…
  npx ronctl find b3:…
  curl -s ${daemons[1]?.publicUrl}/routing/v1/providers/b3:…
  curl -s ${first?.opsUrl}/readyz

To join from another daemon: svc-dht run --set kad.bootstrap=${first === undefined ? '' : joinAddress(first)} \\
  --set kad.addresses=any --set kad.listen=/ip4/127.0.0.1/tcp/0 --set public.listen=127.0.0.1:0 --set ops.listen=127.0.0.1:0 --set discv5.listen=127.0.0.1:0 --set admin.socket=/tmp/svc-dht-joining/admin.sock

Ctrl-C ends it all and leaves nothing behind.
`
}
