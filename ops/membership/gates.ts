import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hold } from '../drills/drill.ts'
import { DRILLS } from '../drills/drills.ts'
import { verifyRealLog } from './audit-integrity.ts'
import { CONFORMANCE, DRILLS_HELD, NEGATIVE, RECOVERY } from './cases.ts'
import { collect, toReport, type Case, type Check, type FileRun, type Report } from './collect.ts'

// npm run membership:gates: runs what membership-plan.md demands, and leaves its four artifacts in artifacts/membership/.

const root = join(import.meta.dirname, '../..')
const folder = join(root, 'artifacts', 'membership')
const FILE_TIMEOUT_MS = 300_000
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024
const CHECKS = ['check:types', 'check:lint', 'governance:lint']

/** A test file prints TAP when it is run by itself. */
async function runFile (file: string): Promise<FileRun> {
  const { promise, resolve } = Promise.withResolvers<FileRun>()
  const child = execFile(process.execPath, [join(root, 'test', file)], { cwd: root, timeout: FILE_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES }, (err, stdout) => resolve({ exit: err === null ? 0 : child.exitCode ?? -1, tap: stdout }))
  child.stdin?.end()
  return await promise
}

function runCheck (name: string): Check {
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', name], { cwd: root, encoding: 'utf8' })
  return { name: `npm run ${name}`, passed: status === 0, ...(status !== 0 && { seen: `${stdout}${stderr}`.slice(-4000) }) }
}

async function holdDrill (name: string): Promise<Check> {
  const drill = DRILLS[name]
  if (drill === undefined) return { name: `drill ${name}`, passed: false, seen: 'there is no such drill' }
  const { passed, findings, seconds } = await hold(name, drill)
  return { name: `drill ${name}`, passed, seen: { seconds, findings } }
}

async function runAll (lists: ReadonlyArray<readonly Case[]>): Promise<ReadonlyMap<string, FileRun>> {
  const runs = new Map<string, FileRun>()
  for (const file of new Set(lists.flat().map(({ file }) => file))) runs.set(file, await runFile(file))
  return runs
}

async function auditLog (made: { readonly at: string, readonly commit: string }): Promise<Check> {
  const { lines, passed } = await verifyRealLog().catch((err: unknown) => ({ lines: [String(err)], passed: false }))
  writeFileSync(join(folder, 'membership_audit_integrity.log'), [`status: ${passed ? 'pass' : 'fail'}`, `made at: ${made.at}`, `commit: ${made.commit}`, '', ...lines, ''].join('\n'))
  return { name: 'audit integrity', passed }
}

function write (file: string, report: Report): Check {
  writeFileSync(join(folder, file), `${JSON.stringify(report, undefined, 2)}\n`)
  for (const { outcome, source, demand, test } of report.cases) if (outcome !== 'passed') process.stdout.write(`  ${outcome}: ${source}, ${demand}: "${test}"\n`)
  for (const failed of report.failed_files) process.stdout.write(`  failed: test/${failed}\n`)
  for (const { name, passed } of report.checks) if (!passed) process.stdout.write(`  failed: ${name}\n`)
  return { name: report.report, passed: report.status === 'pass' }
}

const made = { at: new Date().toISOString(), commit: spawnSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).stdout?.trim() || 'unknown' }
mkdirSync(folder, { recursive: true })
const runs = await runAll([CONFORMANCE, NEGATIVE, RECOVERY])
const drills: Check[] = []
for (const name of DRILLS_HELD) drills.push(await holdDrill(name))
const gates = [
  write('membership_conformance_report.json', toReport('conformance', made, collect(CONFORMANCE, runs), CHECKS.map(runCheck))),
  write('membership_negative_tests_report.json', toReport('negative tests', made, collect(NEGATIVE, runs))),
  write('membership_recovery_report.json', toReport('recovery', made, collect(RECOVERY, runs), drills)),
  await auditLog(made),
]
for (const { name, passed } of gates) process.stdout.write(`${name}: ${passed ? 'pass' : 'FAIL'}\n`)
process.stdout.write(`Artifacts: ${folder}\n`)
if (!gates.every(({ passed }) => passed)) process.exitCode = 1
