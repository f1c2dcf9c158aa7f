import { readFileSync } from 'node:fs'
import type { AuditLog } from '../audit/log.ts'
import type { Changes } from '../config/change.ts'
import type { Config } from '../config/settings.ts'
import type { Component } from '../core/component.ts'
import type { ReadinessReport } from '../core/readiness.ts'
import type { Reading } from '../governance/canary-watch.ts'
import { effectsOf } from '../governance/effects.ts'
import { Governance } from '../governance/engine.ts'
import { FileGovernanceStore } from '../governance/file-store.ts'
import { livePolicy, liveSettings } from '../governance/live-values.ts'
import { SealedText } from '../governance/sealed.ts'
import { MemoryGovernanceStore } from '../governance/store.ts'
import type { Sections } from '../governance/state.ts'
import { deriveStateKey } from '../kms/state-key.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { PolicyHolder } from '../policy/policy-holder.ts'
import type { PolicyRules } from '../policy/policy.ts'
import type { WriteBarrier } from '../policy/write-gate.ts'
import type { Discv5Plane } from './discv5.ts'
import { judgeOf } from './discv5-members.ts'
import type { KadPlane } from './kad.ts'
import type { Surroundings } from './surroundings.ts'

/** The running parts that governance steers. */
export interface GovernedParts {
  applySettings (changes: Changes, providerTtl: ProviderTtl): void
  applyPolicy (rules: PolicyRules): void
  applyMembers (members: Sections['members']): Promise<void>
  readiness (): ReadinessReport
}

/** An override takes it beyond what the settings table allows. */
export interface ProviderTtl { readonly ttl: number, readonly maxTtl: number }

interface Steered {
  readonly kad: KadPlane
  readonly discv5: Pick<Discv5Plane, 'setMembers'>
  readonly policy: PolicyHolder
  readonly readiness: () => ReadinessReport
  readonly apply: (changes: Changes, providerTtl: ProviderTtl) => void
  readonly usePolicy: (rules: Config['policy']) => void
  readonly config: () => Config
}

/** What governance steers. Members and policy hold from before the planes run; the rest is told to them once they do. */
export function governedParts ({ kad, discv5, policy, readiness, apply, usePolicy, config }: Steered): GovernedParts & { whenRunning (governance: Governance): Component } {
  let isRunning = false
  return {
    readiness,
    applySettings: (changes, providerTtl) => { if (isRunning) apply(changes, providerTtl) },
    applyPolicy: rules => {
      policy.replace(rules)
      usePolicy({ ...config().policy, ...namedPolicy(rules) })
    },
    applyMembers: async members => {
      const peers = { mode: members.mode, peers: members.nodes.filter(({ status }) => status === 'active').map(({ keys }) => keys.peer_id) }
      kad.members.replace(peers) // the only one that may refuse
      discv5.setMembers(judgeOf(members))
      if (isRunning) await kad.removal.setMembers(peers)
    },
    whenRunning: governance => ({
      start: async () => {
        isRunning = true
        await governance.reapply()
      },
      stop: async () => { isRunning = false },
    }),
  }
}

/** Rules of the policy by the names of the settings table: they are part of the configuration's digest. */
function namedPolicy ({ profile, allow, deny }: PolicyRules) {
  return {
    profile,
    allowPeers: allow.peers,
    allowPrefixes: allow.prefixes,
    allowAsns: allow.asns.map(String),
    allowCountries: allow.countries,
    denyPeers: deny.peers,
    denyPrefixes: deny.prefixes,
    denyAsns: deny.asns.map(String),
    denyCountries: deny.countries,
  }
}

/** Governance over the audit log. Its parts are asked for when they are needed: they are built after it. */
export function composeGovernance (config: Config, { identity, log: parentLog, metrics, now, monotonic = () => performance.now() }: Surroundings, { self, audit, parts }: { readonly self: string, readonly audit: AuditLog, readonly parts: () => GovernedParts }) {
  const log = parentLog.child({ component: 'governance' })
  const lasts = config.node.profile === 'macronode' && config.node.dataDir !== ''
  const { genesis } = config.governance
  const governance: Governance = new Governance({
    readGenesis: () => genesis === '' ? undefined : readGenesis(genesis),
    self,
    actions: audit,
    store: lasts ? new FileGovernanceStore(config.node.dataDir) : new MemoryGovernanceStore(),
    sealed: new SealedText(deriveStateKey('governance', identity)),
    effects: effectsOf([
      { of: ['members'], apply: async ({ members }) => await parts().applyMembers(members) },
      { of: ['policy', 'overrides'], apply: sections => parts().applyPolicy(livePolicy(sections)) },
      {
        of: ['network', 'providers', 'bootstrap', 'overrides'],
        apply: sections => {
          const { changes, providerTtl } = liveSettings(sections)
          parts().applySettings(changes, providerTtl)
        },
      },
    ]),
    signals: { read: async () => await readSignals(metrics, () => parts().readiness()) },
    clocks: { wall: now, monotonic },
    metrics: metrics.governance,
    log,
  })
  return governance
}

/** What stops writes on behalf of governance. Asked at every write. */
export function governanceBarriers (governance: Governance): readonly WriteBarrier[] {
  return [
    { kind: 'untrusted', reason: () => governance.fault?.message },
    { kind: 'frozen', reason: () => governance.inForce?.freezes.active.some(({ scope, ends_at: endsAt }) => scope === 'writes' && governance.at < endsAt) === true ? 'an emergency quorum has frozen them.' : undefined },
  ]
}

/** An unreadable file is no genesis: the daemon starts, restricted, and says so. */
function readGenesis (path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (err) {
    return `unreadable: ${(err as NodeJS.ErrnoException).code}`
  }
}

async function readSignals ({ lookup, rejected, kad, http }: Metrics, readiness: () => ReadinessReport): Promise<Reading> {
  const [seconds, refused, rpcs, requests] = await Promise.all([lookup.seconds.get(), rejected.get(), kad.inboundRpc.get(), http.requests.get()])
  const buckets = new Map<number, number>()
  for (const { metricName, labels, value } of seconds.values) {
    if (metricName?.endsWith('_bucket') !== true) continue
    const { le } = labels as { readonly le?: string | number }
    const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)
    buckets.set(bound, (buckets.get(bound) ?? 0) + value)
  }
  const total = ({ values }: { readonly values: ReadonlyArray<{ readonly value: number }> }): number => values.reduce((sum, { value }) => sum + value, 0)
  // Governance that is not in force yet must not make the canary red by itself.
  const isReady = readiness().reasons.every(({ condition }) => condition === 'governance')
  return { lookups: [...buckets].sort(([a], [b]) => a - b), requests: total(rpcs) + total(requests), rejected: total(refused), isReady }
}
