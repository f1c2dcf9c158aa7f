import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { schemaOf, SCHEMA_NAMES } from './schemas.ts'

// npm run docs:generate writes governance/schemas/ from the forms that the daemon reads by; --check says whether it is stale.

const folder = join(import.meta.dirname, '../../governance/schemas')
const isChecking = process.argv.includes('--check')

for (const name of SCHEMA_NAMES) {
  const path = join(folder, `${name}.schema.json`)
  const text = `${JSON.stringify(schemaOf(name), undefined, 2)}\n`
  if (!isChecking) {
    writeFileSync(path, text)
  } else if (readFileSync(path, 'utf8') !== text) {
    process.stderr.write(`${path} is stale: run \`npm run docs:generate\`\n`)
    process.exitCode = 1
  }
}
