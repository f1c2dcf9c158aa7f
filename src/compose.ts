import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { composeAudit, composeWitnesses } from './compose/audit.ts'
import { composeBridge } from './compose/bridge.ts'
import { composeCapabilities } from './compose/capabilities.ts'
import { composeCustody } from './compose/custody.ts'
import { composeDiscv5 } from './compose/discv5.ts'
import { judgeOf, membersOf } from './compose/discv5-members.ts'
import { composeGovernance, governanceBarriers, governedParts, type ProviderTtl } from './compose/governance.ts'
import { composeGuards } from './compose/guards.ts'
import { composeHttp } from './compose/http.ts'
import { composeKad } from './compose/kad.ts'
import { composeTracing } from './compose/tracing.ts'
import type { Surroundings } from './compose/surroundings.ts'
import { changeConfig, type Changes } from './config/change.ts'
import { findDrift } from './config/drift.ts'
import type { Config } from './config/settings.ts'
import { configDigest } from './config/view.ts'
import type { Component } from './core/component.ts'
import { Lifecycle } from './core/lifecycle.ts'
import { reportReadiness, type ReadinessReport } from './core/readiness.ts'
import { HttpListener } from './http/listener.ts'
import type { MemberSettings } from './kad/members/members.ts'
import type { Removed } from './kad/members/peer-removal.ts'
import { LoadMonitor } from './policy/load-monitor.ts'

/** A running daemon. Disposing of it stops it, at most its drain timeout later. */
export interface Daemon extends AsyncDisposable {
  readonly peerId: string
  /** Multiaddrs that others may dial. */
  addresses (): string[]
  /** The record of the discv5 node; undefined when there is none. */
  enr (): string | undefined
  readonly publicUrl: string | undefined
  readonly opsUrl: string | undefined
  readonly adminUrl: string | undefined
  readonly adminSocket: string
  /** The owner's capability, when one was made and no file took it: shown to who started the daemon, and to nobody else. */
  ownerToken (): string | undefined
  /** Reads the certificates again; false when there are none, or none that can be used: then those in force stay. */
  reloadCertificates (): boolean
  /** Reads the trust policy again; false when there is none, or none that can be used: then the one in force stays. */
  reloadWitnessPolicy (): boolean
  readiness (): ReadinessReport
  /** Puts another bootstrap set in force. */
  bootstrapFrom (addresses: readonly string[]): void
  /**
   * Puts other values in force, all of them or none, without a restart.
   * @throws {DhtError} BadRequest for what the settings table does not allow
   */
  apply (changes: Changes): void
  /** Puts another list of members in force; resolves when nothing of those that it shuts out is held any more. */
  setMembers (members: MemberSettings): Promise<Removed>
  /** Removes one peer with all that it has of us. */
  dropPeer (peerId: string): Promise<Removed>
}

/** Builds a daemon and starts it. A start that fails has stopped what was running already. */
export async function startDaemon (config: Config, surroundings: Surroundings): Promise<Daemon> {
  const { adminSocket, metrics, version } = surroundings
  const load = new LoadMonitor({ toleratedLagMs: config.node.toleratedLag }, { onLag: seconds => metrics.node.lag.set(seconds) })
  const self = peerIdFromPrivateKey(privateKeyFromRaw(surroundings.identity.ed25519Key())).toString()
  const keys = await composeCustody(config, surroundings)
  const { audit, auditKeys, patrols } = composeAudit(config, surroundings, self, keys)
  const witnesses = composeWitnesses(config, surroundings, audit)
  const governance = composeGovernance(config, surroundings, { self, audit, parts: () => parts })
  const guards = composeGuards(config, surroundings, { load, audit, barriers: governanceBarriers(governance) })
  const { policy, degraded } = guards
  const capabilities = composeCapabilities(config, surroundings, { audit, keys, at: () => governance.at })
  const kad = await composeKad(config, surroundings, guards.admission, guards)
  const discv5 = await composeDiscv5(config, surroundings, kad.host)
  const bridge = composeBridge(config, surroundings, { kad, discv5 })
  const tracing = await composeTracing(config, surroundings, self)
  let inForce = config
  const drift = () => findDrift(config, inForce, surroundings.given ?? new Set())
  const lifecycle = new Lifecycle()
  const readiness = (): ReadinessReport => ({
    ...reportReadiness([lifecycle, policy, audit, governance, ...kad.checks, ...discv5.checks]), ...(degraded.current !== undefined && { degraded: degraded.current.reason }),
  })
  metrics.node.build.set({ version: version.version, git_sha: version.gitSha }, 1)
  const use = (next: Config): void => {
    inForce = next
    metrics.node.config.reset()
    metrics.node.config.set({ digest: configDigest(next) }, 1)
    metrics.node.drift.set(Object.keys(drift()).length)
  }
  use(config)

  const http = composeHttp(config, surroundings, { kad, discv5, guards, capabilities, audit, auditKeys, governance, readiness, tracer: tracing[0], config: () => inForce, drift })
  const apply = (changes: Changes, providerTtl?: ProviderTtl): void => {
    const next = changeConfig(inForce, changes)
    const { bootstrap } = next.kad
    const isOther = bootstrap.length === 0 || bootstrap.join() !== inForce.kad.bootstrap.join()
    if (changes.kad?.bootstrap !== undefined && isOther) kad.bootstrap.replace(bootstrap) // the only one that may refuse, as an empty set
    kad.apply({ ...next, providers: { ...next.providers, ...providerTtl } })
    discv5.apply(next.discv5)
    http.applyLookup(next.lookup)
    use(next)
  }
  const parts = governedParts({ kad, discv5, policy, readiness, apply, usePolicy: rules => use({ ...inForce, policy: rules }), config: () => inForce })
  const running = await startAll([
    ...tracing, load, ...guards.databases, degraded, ...http.ops, audit, ...patrols, ...witnesses.components, governance, ...kad.components, parts.whenRunning(governance),
    ...bridge === undefined ? [] : [bridge], ...discv5.components, ...http.public, http.socket, capabilities.owner, ...http.admin, lifecycle,
  ])
  const settings = Object.keys(drift())
  if (settings.length > 0) surroundings.log.warn({ event: 'config_drift', settings }, 'governance agreed on other values than the configuration has, and these hold: see ronctl config get')
  return {
    peerId: kad.host.peerId.toString(),
    addresses: () => kad.host.getMultiaddrs().map(String),
    enr: () => discv5.engine?.ownRecord().text,
    publicUrl: http.public[0]?.address,
    opsUrl: http.ops.find(part => part instanceof HttpListener)?.address,
    adminUrl: http.admin[0]?.address,
    adminSocket,
    ownerToken: capabilities.ownerToken,
    readiness,
    reloadCertificates: http.reloadCertificates,
    reloadWitnessPolicy: witnesses.reload,
    bootstrapFrom: addresses => kad.bootstrap.replace(addresses),
    apply: changes => apply(changes),
    setMembers: async members => {
      kad.members.replace(members)
      discv5.setMembers(judgeOf(membersOf(members)))
      return await kad.removal.setMembers(members)
    },
    dropPeer: async peerId => await kad.removal.dropPeer(peerId),
    [Symbol.asyncDispose]: async () => await running[Symbol.asyncDispose](),
  }
}

/** Starts in order; stops in reverse, also when a later start fails. */
export async function startAll (components: readonly Component[]): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  for (const component of components) {
    await component.start()
    stack.defer(async () => await component.stop())
  }
  return stack.move()
}
