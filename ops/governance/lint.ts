import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createMetrics } from '../../src/observability/metrics.ts'
import { readHistory } from './changes.ts'
import { vectors } from './example.ts'
import { REQUIRED_METRICS } from './required-metrics.ts'
import { auditPlanFaults, decisionFaults, jsonFaults, metricFaults, type DeclaredMetric, type Files, type Validators } from './rules.ts'
import { schemaOf, SCHEMA_NAMES } from './schemas.ts'
import { compile } from './validators.ts'

// npm run governance:lint [-- <commit>]: what is in governance/ is as it should be, and was changed with an audit plan
// since that commit, or in the last one.

/** Everything in a governance folder. Bounded by the checkout. */
export function readFiles (folder: string): Files {
  const paths = globSync('**/*', { cwd: folder, withFileTypes: true }).filter(entry => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return Object.fromEntries(paths.sort().map(path => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]))
}

export function declaredMetrics (): readonly DeclaredMetric[] {
  return createMetrics().registry.getMetricsAsArray().map(metric => {
    const { name, type, labelNames } = metric as unknown as { readonly name: string, readonly type: string, readonly labelNames: readonly string[] }
    return { name, type, labels: labelNames }
  })
}

export async function compileValidators (): Promise<Validators> {
  const compiled = await compile(SCHEMA_NAMES.map(schemaOf))
  return Object.fromEntries(SCHEMA_NAMES.map((name, index) => [name, compiled[index]])) as Validators
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '../..')
  const files = readFiles(join(root, 'governance'))
  const { changes, notices } = readHistory(root, process.argv[2])
  const faults = [
    ...jsonFaults(files, await compileValidators(), vectors()),
    ...decisionFaults(files),
    ...metricFaults(REQUIRED_METRICS, declaredMetrics()),
    ...auditPlanFaults(changes),
  ]
  for (const notice of notices) process.stderr.write(`${notice}\n`)
  for (const fault of faults) process.stderr.write(`${fault}\n`)
  if (faults.length > 0) process.exitCode = 1
}
