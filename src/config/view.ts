import { jsonDigest } from '../core/digest.ts'
import { eachSetting } from './load.ts'
import type { Config } from './settings.ts'

/** Digest of the effective configuration: equal on two daemons exactly when every setting is. */
export function configDigest (config: Config): string {
  return jsonDigest(config)
}

/** The configuration as people write it, by path; files that hold secrets show only whether they are set. */
export function redactConfig (config: Config): Record<string, string> {
  const shown: Record<string, string> = {}
  for (const [section, key, setting] of eachSetting()) {
    const value = (config as Readonly<Record<string, Readonly<Record<string, unknown>>>>)[section]?.[key]
    shown[`${section}.${key}`] = setting.sensitive ? (value === '' ? '(not set)' : '(set)') : setting.print(value)
  }
  return shown
}
