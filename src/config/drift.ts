import { eachSetting } from './load.ts'
import type { Config } from './settings.ts'

/** One setting whose configured value is not in force: governance agreed on another, and that one holds. Both as people write them. */
export interface Drift {
  readonly configured: string
  readonly in_force: string
}

/**
 * Governed settings that somebody gave a value which does not hold, by path. A default is nobody's wish and does not drift; the
 * order of a list says nothing.
 */
export function findDrift (configured: Config, inForce: Config, given: ReadonlySet<string>): Readonly<Record<string, Drift>> {
  const drift: Record<string, Drift> = {}
  for (const [section, key, setting] of eachSetting()) {
    const path = `${section}.${key}`
    if (!setting.governed || !given.has(path)) continue
    const [wished, held] = [valueOf(configured, section, key), valueOf(inForce, section, key)]
    if (setting.print(sorted(wished)) !== setting.print(sorted(held))) drift[path] = { configured: setting.print(wished), in_force: setting.print(held) }
  }
  return drift
}

function valueOf (config: Config, section: string, key: string): unknown {
  return (config as Readonly<Record<string, Readonly<Record<string, unknown>>>>)[section]?.[key]
}

function sorted (value: unknown): unknown {
  return Array.isArray(value) ? value.toSorted() : value
}
