import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'

const ROOT = join(import.meta.dirname, '../..')
const NOT_BENCHES = ['run', 'measure', 'server-process', 'surroundings']

/** Arguments that make a bench small; every other one is small by itself. `simulate` has a test of its own. */
const TINY: Readonly<Record<string, readonly string[]>> = {
  lookup: ['daemons=5', 'delay=1-2', 'lookups=1', 'widths=10/2'],
  restart: ['3000'],
  rpc: ['0'],
  simulate: ['100'],
  soak: ['1'],
  store: ['1000'],
  storm: ['0.5', '3'],
}

const KEYS = ['bench', 'load', 'unit', 'ours', 'peer', 'theirs', 'ratio']

async function runBench (...args: readonly string[]) {
  return await promisify(execFile)(process.execPath, [join(ROOT, 'bench/run.ts'), ...args], { timeout: 110_000 })
}

t.setTimeout(600_000)
t.jobs = 2

const names = globSync('*.ts', { cwd: join(ROOT, 'bench') }).map(file => basename(file, '.ts')).filter(name => !NOT_BENCHES.includes(name))

for (const name of names) {
  t.test(`bench ${name} starts, ends, and prints one well-formed figure a line`, async t => {
    const { stdout } = await runBench(name, '--json', '--quick', ...(TINY[name] ?? []).flatMap(arg => ['--arg', arg]))
    const lines = stdout.split('\n').filter(line => line !== '')
    t.ok(lines.length > 0)
    const ill = lines.map(line => JSON.parse(line) as Record<string, unknown>).filter(figure => !isWellFormed(figure, name))
    t.strictSame(ill, [])
  })
}

t.test('a name that is no bench is refused with the names there are', async t => {
  await t.rejects(runBench('nonsense'), { code: 2, stderr: /No such bench: nonsense\.[^]*Benches: .*rpc/ })
})

/** A figure without a peer has neither its value nor a ratio. */
function isWellFormed (figure: Record<string, unknown>, name: string): boolean {
  const { bench, load, unit, ours, peer, theirs, ratio } = figure
  const isBeside = typeof peer === 'string' && typeof theirs === 'number' && typeof ratio === 'number'
  const isAlone = peer === null && theirs === null && ratio === null
  return Object.keys(figure).join() === KEYS.join() && bench === name && typeof load === 'string' && typeof unit === 'string' && typeof ours === 'number' && (isBeside || isAlone)
}
