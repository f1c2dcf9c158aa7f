import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toGrafana } from './dashboard.ts'
import { DASHBOARDS } from './dashboards.ts'

// Writes a JSON file a dashboard, for Grafana's import or provisioning. `--check` only says whether they are up to date.

const isCheck = process.argv.includes('--check')
for (const dashboard of DASHBOARDS) {
  const file = join(import.meta.dirname, `${dashboard.uid}.json`)
  const text = `${JSON.stringify(toGrafana(dashboard), null, 2)}\n`
  if (!isCheck) writeFileSync(file, text)
  else if (readFileSync(file, 'utf8') !== text) {
    process.stderr.write(`${file} is not up to date: npm run docs:generate\n`)
    process.exitCode = 1
  }
}
