import { Command, InvalidArgumentError } from 'commander'
import { startDaemon } from './compose.ts'
import { adminSocketPath, ConfigError, givenSettings, loadConfig, readConfigFile, readEnvironment } from './config/load.ts'
import type { Config } from './config/settings.ts'
import { readVersion } from './config/version.ts'
import type { ReadinessReport } from './core/readiness.ts'
import { runDevOverlay } from './dev/overlay.ts'
import { createEphemeralIdentity, openSealedIdentity, type IdentityKey } from './kms/identity.ts'
import { createLogger, type Logger } from './observability/logger.ts'
import { createMetrics } from './observability/metrics.ts'
import { notifySocketOf, ServiceManager } from './observability/service-manager.ts'

// The daemon: arguments, configuration, compose, run until a signal, dispose.

/** sysexits.h: the configuration is wrong. Supervisors should not restart on it. */
const EX_CONFIG = 78

/** sysexits.h: a fault of the program itself. Supervisors should restart on it. */
const EX_SOFTWARE = 70

interface RunOptions {
  readonly config?: string
  readonly set: Readonly<Record<string, string>>
}

async function run (options: RunOptions): Promise<void> {
  const env = readEnvironment()
  const sources = { flags: options.set, env, file: options.config === undefined ? '' : readConfigFile(options.config) }
  const config = loadConfig(sources)
  const log = createLogger({ level: config.log.level })
  endOnFault(log)
  const notifySocket = notifySocketOf(env, [process.pid, process.ppid])
  // SIGHUP reads certificates and the trust policy again. Where there are none it means that the terminal is gone, but a service has none to lose.
  const reloads = config.admin.tlsCert !== '' || config.audit.witnessPolicy !== '' || notifySocket !== undefined
  const stopped = stopSignal(reloads ? ['SIGINT', 'SIGTERM'] : ['SIGINT', 'SIGTERM', 'SIGHUP'])
  const version = readVersion()
  await using daemon = await startDaemon(config, {
    identity: await openIdentity(config, log), version, adminSocket: adminSocketPath(config, env), given: givenSettings(sources), log, metrics: createMetrics(), now: Date.now,
  })
  await using manager = new ServiceManager(notifySocket, { status: () => describe(daemon.readiness()), log })
  const reload = (): void => {
    daemon.reloadCertificates()
    daemon.reloadWitnessPolicy()
  }
  if (reloads) process.on('SIGHUP', () => { void manager.reloading(reload) })
  log.info({
    event: 'started',
    version: version.version,
    git_sha: version.gitSha,
    peer_id: daemon.peerId,
    addresses: daemon.addresses(),
    public: daemon.publicUrl,
    ops: daemon.opsUrl,
    admin: daemon.adminSocket,
    admin_url: daemon.adminUrl,
  }, 'started')
  const ownerToken = daemon.ownerToken()
  if (ownerToken !== undefined) process.stdout.write(`${JSON.stringify({ owner_capability: ownerToken })}\n`) // the log never has it
  await manager.started()
  log.info({ event: 'stopping', signal: await stopped }, 'stopping')
}

async function openIdentity ({ node, identity }: Config, log: Logger): Promise<IdentityKey> {
  if (identity.keyFile !== '') return await openSealedIdentity(identity.keyFile, identity.passphraseFile)
  if (node.profile === 'macronode') log.warn({ event: 'identity_ephemeral' }, 'no identity.keyFile: the peer ID changes at every start, so nobody can keep this daemon as bootstrap peer')
  return createEphemeralIdentity()
}

/** For `systemctl status`. */
function describe ({ ready, degraded, reasons }: ReadinessReport): string {
  if (!ready) return `not ready: ${reasons.map(({ condition, reason }) => `${condition}: ${reason}`).join('; ')}`
  return degraded === undefined ? 'ready' : `ready, writes refused: ${degraded}`
}

/** After an exception that nobody expected the state is unknown, so nothing is served from it: said once, and left to the supervisor. */
function endOnFault (log: Logger): void {
  process.once('uncaughtException', (err, origin) => {
    log.fatal({ event: 'fault', err, origin }, 'a fault of the program: the daemon ends')
    process.exit(EX_SOFTWARE)
  })
}

/** Resolves at the first of the signals; the second one takes the system's course. */
function stopSignal (signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>()
  for (const signal of signals) process.once(signal, resolve)
  return promise
}

function collectSetting (text: string, settings: Readonly<Record<string, string>>): Record<string, string> {
  const [path, ...rest] = text.split('=')
  if (path === undefined || path === '' || rest.length === 0) throw new InvalidArgumentError('must be section.key=value')
  return { ...settings, [path]: rest.join('=') }
}

function parseNodes (text: string): number {
  const nodes = Number(text)
  if (!Number.isInteger(nodes) || nodes < 2 || nodes > 50) throw new InvalidArgumentError('must be a whole number from 2 to 50')
  return nodes
}

function fail (err: unknown): void {
  const messages = err instanceof ConfigError ? err.mistakes : [err instanceof Error ? err.message : String(err)]
  const hint = (err as { readonly hint?: string }).hint
  for (const message of messages) process.stderr.write(`svc-dht: ${message}\n`)
  if (hint !== undefined) process.stderr.write(`         ${hint}\n`)
  process.exitCode = err instanceof ConfigError ? EX_CONFIG : 1
}

const program = new Command('svc-dht')
  .description('A governed discovery daemon: who provides this key, and who is near it.')
  .version(readVersion().version)
  .showHelpAfterError()
program.command('run', { isDefault: true })
  .description('run the daemon until SIGTERM or SIGINT')
  .option('-c, --config <file>', 'TOML file with settings; see config/reference.md')
  .option('--set <section.key=value>', 'one setting, repeatable; wins over environment and file', collectSetting, {})
  .action(run)
program.command('dev')
  .description('run a small live overlay on loopback, for trying things out')
  .option('-n, --nodes <count>', 'daemons to run', parseNodes, 5)
  .option('--set <section.key=value>', 'one setting for every daemon, repeatable', collectSetting, {})
  .action(async ({ nodes, set }: { nodes: number, set: Record<string, string> }) => {
    await runDevOverlay({ nodes, flags: set, env: readEnvironment(), version: readVersion(), print: text => { process.stdout.write(text) }, stopped: stopSignal() })
  })
await program.parseAsync().catch(fail)
