import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findFaults, type LockedPackage, type Manifest } from './rules.ts'

// npm run check:supply-chain: what we ship is pinned, licensed, checksummed and without known holes.

const root = join(import.meta.dirname, '../..')
const read = (name: string): unknown => JSON.parse(readFileSync(join(root, name), 'utf8'))
const faults = findFaults(read('package.json') as Manifest, (read('package-lock.json') as { packages: Record<string, LockedPackage> }).packages)

const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { cwd: root, encoding: 'utf8' })
const { vulnerabilities } = JSON.parse(stdout) as { readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string, readonly range: string }>> }
if (vulnerabilities === undefined) process.stderr.write('Known holes were not looked up: the registry does not answer npm audit.\n')
else faults.push(...Object.entries(vulnerabilities).filter(([, { severity }]) => severity !== 'info' && severity !== 'low').map(([name, { severity, range }]) => `${name} ${range}: a known hole, ${severity}; npm audit says which`))

for (const fault of faults) process.stderr.write(`${fault}\n`)
if (faults.length > 0) process.exitCode = 1
