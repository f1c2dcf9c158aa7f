import type { AuditLog } from '../audit/log.ts'
import type { Config } from '../config/settings.ts'
import { FileDegradation, ForgottenDegradation } from '../policy/degradation-store.ts'
import { DegradedMode } from '../policy/degraded-mode.ts'
import { ASN_DATABASE, COUNTRY_DATABASE, IpDatabase } from '../policy/ip-database.ts'
import type { Admission } from '../policy/load-monitor.ts'
import { PROFILE_NAMES } from '../policy/policy.ts'
import { PolicyHolder } from '../policy/policy-holder.ts'
import { WritableAdmission, WriteGate, type WriteBarrier } from '../policy/write-gate.ts'
import type { Surroundings } from './surroundings.ts'

export type Guards = ReturnType<typeof composeGuards>

/** What stands before the work on every surface: the policy, degraded mode, load. */
export function composeGuards ({ policy: rules, node }: Config, { metrics }: Surroundings, { load, audit, barriers }: { readonly load: Admission, readonly audit: AuditLog, readonly barriers: readonly WriteBarrier[] }) {
  const database = <T>(path: string, kind: { readonly type: RegExp, readonly pick: (record: unknown) => T | undefined }) =>
    path === '' ? undefined : new IpDatabase<T>({ ...kind, path, intervalMs: rules.databaseInterval })
  const asn = database(rules.asnDatabase, ASN_DATABASE)
  const country = database(rules.countryDatabase, COUNTRY_DATABASE)
  const policy = new PolicyHolder({
    profile: rules.profile,
    allow: { peers: rules.allowPeers, prefixes: rules.allowPrefixes, asns: rules.allowAsns.map(Number), countries: rules.allowCountries },
    deny: { peers: rules.denyPeers, prefixes: rules.denyPrefixes, asns: rules.denyAsns.map(Number), countries: rules.denyCountries },
  }, {
    sources: { asn, country },
    onProfile: active => { for (const profile of PROFILE_NAMES) metrics.policy.profile.set({ profile }, profile === active ? 1 : 0) },
  })
  const degraded = new DegradedMode({
    store: node.profile === 'macronode' && node.dataDir !== '' ? new FileDegradation(node.dataDir) : new ForgottenDegradation(),
    actions: audit,
  })
  const writes = new WriteGate([degraded, { kind: 'audit', reason: () => audit.reason() }, ...barriers])
  const databases = [asn, country].filter(part => part !== undefined)
  return { policy, degraded, writes, databases, admission: new WritableAdmission(load, writes) }
}
