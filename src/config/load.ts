import { readFileSync } from 'node:fs'
import { parse as parseToml } from 'smol-toml'
import { defaultSocketPath } from '../core/socket-path.ts'
import type { Setting } from './setting.ts'
import { AMINO_PROTOCOL, settings, type Config } from './settings.ts'

export interface Sources {
  readonly flags?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The text of a TOML file. */
  readonly file?: string
}

/** Everything wrong with the configuration at once, one sentence each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly mistakes: readonly string[]
  constructor (mistakes: readonly string[]) {
    super(`${mistakes.length} ${mistakes.length === 1 ? 'mistake' : 'mistakes'} in the configuration`)
    this.mistakes = mistakes
  }
}

const ENV_PREFIX = 'SVC_DHT_'

/** The process environment. The only place that reads it. */
export function readEnvironment (): NodeJS.ProcessEnv {
  return process.env
}

/** The admin socket that this configuration means on this machine; kept out of the digest, which machines compare. */
export function adminSocketPath (config: Config, env: Readonly<Record<string, string | undefined>>): string {
  return config.admin.socket === '' ? defaultSocketPath(env['XDG_RUNTIME_DIR'], process.getuid?.() ?? 0) : config.admin.socket
}

/** @throws {ConfigError} when the file cannot be read */
export function readConfigFile (path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (err) {
    throw new ConfigError([`${path}: cannot be read (${(err as NodeJS.ErrnoException).code})`])
  }
}

/**
 * Resolves every setting once: flags, then environment, then file, then defaults. The result is frozen.
 * @throws {ConfigError} with every mistake, unknown keys included
 */
export function loadConfig ({ flags = {}, env = {}, file = '' }: Sources = {}): Config {
  const mistakes: string[] = []
  const fromFile = flattenFile(file, mistakes)
  const config: Record<string, Record<string, unknown>> = {}
  const known = new Set<string>()

  for (const [section, key, setting] of eachSetting()) {
    const path = `${section}.${key}`
    known.add(path).add(envName(path))
    const [source, raw] = pick([`--set ${path}`, flags[path]], [envName(path), env[envName(path)]], [`file ${path}`, fromFile[path]])
    const target = config[section] ??= {}
    try {
      target[key] = raw === undefined ? setting.fallback : setting.parse(raw)
    } catch (err) {
      mistakes.push(`${source}: ${(err as Error).message}, got ${setting.sensitive ? 'a value not shown' : JSON.stringify(raw)}`)
      target[key] = setting.fallback // keeps the cross-checks below meaningful
    }
  }
  for (const path of Object.keys(flags)) if (!known.has(path)) mistakes.push(`--set ${path}: no such setting`)
  for (const path of Object.keys(fromFile)) if (!known.has(path)) mistakes.push(`file ${path}: no such setting`)
  for (const name of Object.keys(env)) if (name.startsWith(ENV_PREFIX) && !known.has(name)) mistakes.push(`${name}: no such setting`)

  const resolved = applyRules(config as Config)
  mistakes.push(...findConflicts(resolved))
  if (mistakes.length > 0) throw new ConfigError(mistakes)
  return deepFreeze(resolved)
}

/** Paths of the settings that somebody gave a value; the others have their defaults. Of sources that {@link loadConfig} takes. */
export function givenSettings ({ flags = {}, env = {}, file = '' }: Sources): ReadonlySet<string> {
  const fromFile = flattenFile(file, [])
  const paths = Array.from(eachSetting(), ([section, key]) => `${section}.${key}`)
  return new Set(paths.filter(path => flags[path] !== undefined || env[envName(path)] !== undefined || fromFile[path] !== undefined))
}

/** `kad.bucketSize` → `SVC_DHT_KAD_BUCKET_SIZE` */
export function envName (path: string): string {
  return ENV_PREFIX + path.replace('.', '_').replace(/[A-Z]/g, '_$&').toUpperCase()
}

/** Every row of the table as section, key, setting, in table order. */
export function * eachSetting (): Generator<[section: string, key: string, setting: Setting<unknown>]> {
  for (const [section, entries] of Object.entries(settings)) {
    for (const [key, setting] of Object.entries(entries)) yield [section, key, setting as Setting<unknown>]
  }
}

/** What the overlay's protocol fixes for everyone who serves it. */
export function applyRules (config: Config): Config {
  if (config.kad.protocol !== AMINO_PROTOCOL) return config
  // IPFS kad-dht, provider records: 48 h validity is a MUST on the public network's protocol.
  const validity = settings.providers.maxTtl.fallback
  return { ...config, providers: { ...config.providers, ttl: validity, maxTtl: validity } }
}

/** What cannot be in force together, one sentence each. */
export function findConflicts (config: Config): string[] {
  const conflicts: string[] = []
  const { admin, audit, bridge, discv5, identity, kad, node, providers } = config
  if (providers.ttl > providers.maxTtl) conflicts.push('providers.ttl: must not exceed providers.maxTtl')
  if (providers.store === 'persistent' && node.profile === 'micronode') conflicts.push('providers.store: a micronode leaves nothing on disk; use memory, or node.profile macronode')
  else if (providers.store === 'persistent' && node.dataDir === '') conflicts.push('providers.store: persistent needs node.dataDir')
  if (audit.witnessPolicy !== '' && (node.profile === 'micronode' || node.dataDir === '')) conflicts.push('audit.witnessPolicy: needs node.profile macronode and node.dataDir: nobody can know the keys of a log in memory')
  if (providers.recordsPerPeer > providers.records) conflicts.push('providers.recordsPerPeer: must not exceed providers.records')
  if (kad.peersPerIpGroupInBucket > kad.peersPerIpGroup) conflicts.push('kad.peersPerIpGroupInBucket: must not exceed kad.peersPerIpGroup')
  if (kad.bootstrapLapse <= kad.bootstrapProbeInterval) conflicts.push('kad.bootstrapLapse: must be longer than kad.bootstrapProbeInterval')
  if (kad.listen.length === 0) conflicts.push('kad.listen: at least one address is needed')
  if (discv5.enabled && discv5.listen.length === 0) conflicts.push('discv5.listen: at least one address is needed')
  if (discv5.engine === 'chainsafe' && discv5.listen.length > 1) conflicts.push('discv5.listen: the chainsafe engine listens on one address')
  if (discv5.keyFile !== '' && identity.passphraseFile === '') conflicts.push('discv5.keyFile: needs identity.passphraseFile')
  if (bridge.remembered < bridge.waiting) conflicts.push('bridge.remembered: must not be less than bridge.waiting')
  if ((identity.keyFile === '') !== (identity.passphraseFile === '')) {
    conflicts.push('identity.keyFile and identity.passphraseFile: give both or neither')
  } else if (node.profile === 'macronode' && node.dataDir !== '' && identity.keyFile === '') {
    // Said at the first start: at the second its own audit log would be that of a stranger, and take no entries.
    conflicts.push('node.dataDir: what a macronode keeps there belongs to its identity, which must last as well; give identity.keyFile and identity.passphraseFile')
  }
  if ((admin.tlsCert === '') !== (admin.tlsKey === '')) conflicts.push('admin.tlsCert and admin.tlsKey: give both or neither')
  if (admin.tlsClientCa !== '' && admin.tlsCert === '') conflicts.push('admin.tlsClientCa: needs admin.tlsCert')
  if (admin.listen !== '' && admin.tlsCert === '' && !isLoopback(admin.listen)) {
    conflicts.push('admin.listen: only a loopback address without admin.tlsCert, because capabilities would be readable on the way')
  }
  return conflicts
}

function isLoopback (listen: string): boolean {
  const host = listen.slice(0, listen.lastIndexOf(':'))
  return /^(127(\.\d{1,3}){3}|\[::1\]|localhost)$/.test(host)
}

function flattenFile (file: string, mistakes: string[]): Record<string, string> {
  const flat: Record<string, string> = {}
  let sections: Record<string, unknown>
  try {
    sections = parseToml(file)
  } catch (err) {
    mistakes.push(`file: ${(err as Error).message.split('\n')[0]}`)
    return flat
  }
  for (const [section, entries] of Object.entries(sections)) {
    if (typeof entries !== 'object' || entries === null || Array.isArray(entries)) {
      mistakes.push(`file ${section}: no such setting`)
      continue
    }
    for (const [key, value] of Object.entries(entries)) {
      const members = Array.isArray(value) ? value : [value]
      if (members.every(member => ['string', 'number', 'boolean'].includes(typeof member))) flat[`${section}.${key}`] = members.join(',')
      else mistakes.push(`file ${section}.${key}: must be a plain value or a list of them`)
    }
  }
  return flat
}

function pick (...candidates: Array<[source: string, raw: string | undefined]>): [source: string, raw: string | undefined] {
  return candidates.find(([, raw]) => raw !== undefined) ?? ['default', undefined]
}

function deepFreeze<T extends object> (value: T): T {
  for (const member of Object.values(value)) if (typeof member === 'object' && member !== null) deepFreeze(member)
  return Object.freeze(value)
}
