import { DhtError } from '../core/errors.ts'
import { applyRules, findConflicts } from './load.ts'
import type { Setting, Settings } from './setting.ts'
import { settings, type Config } from './settings.ts'

type Live<Section extends keyof Config, Key extends keyof Config[Section]> = Partial<Pick<Config[Section], Key>>

/** Values to put in force while the daemon runs, named as in the settings table; durations in milliseconds. What is absent stays as it is. */
export interface Changes {
  readonly kad?: Live<'kad',
    | 'bootstrap' | 'concurrency' | 'disjointPaths' | 'peersPerIpGroup' | 'peersPerIpGroupInBucket' | 'streamsPerPeer' | 'streamsPerPrefix' | 'streams'
    | 'readTimeout' | 'idleTimeout' | 'rpcsPerPeerPerSecond' | 'rpcsPerPrefixPerSecond'>
  readonly discv5?: Live<'discv5',
    | 'packetsPerSecond' | 'packetsPerIpPerSecond' | 'packetsPerSubnetPerSecond' | 'packetsPerNodePerSecond' | 'nodeIdsPerIp' | 'whoareyouPerIpPerSecond'
    | 'handshakesPerSecond' | 'banAfter' | 'banTime'>
  readonly providers?: Live<'providers', 'ttl' | 'maxTtl' | 'records' | 'recordsPerPeer' | 'recordsPerPrefix' | 'recordsPerKey' | 'addsPerPeerPerSecond'>
  readonly values?: Live<'values', 'ttl' | 'records' | 'recordsPerPeer'>
  readonly lookup?: Live<'lookup', 'deadline' | 'concurrent'>
}

/** Those of `Changes`: what comes from a log was not seen by the compiler. */
const LIVE: ReadonlySet<string> = new Set([
  'kad.bootstrap', 'kad.concurrency', 'kad.disjointPaths', 'kad.peersPerIpGroup', 'kad.peersPerIpGroupInBucket', 'kad.streamsPerPeer', 'kad.streamsPerPrefix', 'kad.streams',
  'kad.readTimeout', 'kad.idleTimeout', 'kad.rpcsPerPeerPerSecond', 'kad.rpcsPerPrefixPerSecond',
  'discv5.packetsPerSecond', 'discv5.packetsPerIpPerSecond', 'discv5.packetsPerSubnetPerSecond', 'discv5.packetsPerNodePerSecond', 'discv5.nodeIdsPerIp',
  'discv5.whoareyouPerIpPerSecond', 'discv5.handshakesPerSecond', 'discv5.banAfter', 'discv5.banTime',
  'providers.ttl', 'providers.maxTtl', 'providers.records', 'providers.recordsPerPeer', 'providers.recordsPerPrefix', 'providers.recordsPerKey', 'providers.addsPerPeerPerSecond',
  'values.ttl', 'values.records', 'values.recordsPerPeer', 'lookup.deadline', 'lookup.concurrent',
])

/**
 * The configuration with these changes. The settings table bounds a governed value as it bounds one from a file, whoever signed it.
 * @throws {DhtError} BadRequest that says all that is wrong
 */
export function changeConfig (config: Config, changes: Changes): Config {
  const mistakes: string[] = []
  const next: Record<string, Record<string, unknown>> = { ...config }
  for (const [section, entries] of Object.entries(changes)) {
    for (const [key, value] of Object.entries(entries)) {
      const mistake = findMistake(section, key, value)
      if (mistake === undefined) next[section] = { ...next[section], [key]: value }
      else mistakes.push(`${section}.${key}: ${mistake}`)
    }
  }
  const changed = next as unknown as Config
  if (mistakes.length === 0) mistakes.push(...findConflicts(changed), ...findFixed(changed))
  if (mistakes.length > 0) throw new DhtError('BadRequest', `These settings cannot be in force: ${mistakes.join('; ')}.`)
  return changed
}

function findMistake (section: string, key: string, value: unknown): string | undefined {
  if (!LIVE.has(`${section}.${key}`)) return 'cannot be changed while the daemon runs'
  const row = (settings as unknown as Settings)[section]?.[key] as Setting<unknown>
  if (typeof value !== typeof row.fallback || Array.isArray(value) !== Array.isArray(row.fallback)) return `must be of the form ${row.form}`
  try {
    row.parse(row.print(value))
    return undefined
  } catch (err) {
    return (err as Error).message
  }
}

/** What the overlay's protocol fixes may not be asked otherwise. */
function findFixed (config: Config): string[] {
  const { ttl, maxTtl } = applyRules(config).providers
  return ttl === config.providers.ttl && maxTtl === config.providers.maxTtl ? [] : [`providers.ttl: is fixed by ${config.kad.protocol}`]
}
