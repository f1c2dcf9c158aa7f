import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { FULL, QUICK, type Effort, type Figure } from './measure.ts'

// npm run bench -- <name…> [--json] [--quick] [--arg <value>…]. Every bench is a file here that exports `figures`.

interface Bench { figures (args: readonly string[], effort: Effort): AsyncIterable<Figure> }

const NOT_BENCHES = new Set(['run', 'measure', 'server-process', 'surroundings'])
const names = globSync('*.ts', { cwd: import.meta.dirname }).map(file => basename(file, '.ts')).filter(name => !NOT_BENCHES.has(name)).sort()

const { values: { json = false, quick = false, arg = [] }, positionals } = parseArgs({
  allowPositionals: true, options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, arg: { type: 'string', multiple: true } },
})
const unknown = positionals.filter(name => !names.includes(name))
if (positionals.length === 0 || unknown.length > 0) {
  process.stderr.write(`${unknown.length > 0 ? `No such bench: ${unknown.join(', ')}.\n` : ''}npm run bench -- <name…> [--json] [--quick] [--arg <value>…]\nBenches: ${names.join(', ')}\n`)
  process.exitCode = 2
} else {
  for (const name of positionals) await run(name)
}

async function run (name: string): Promise<void> {
  const bench = await import(join(import.meta.dirname, `${name}.ts`)) as Bench
  let load = ''
  for await (const figure of bench.figures(arg, quick ? QUICK : FULL)) {
    if (json) {
      process.stdout.write(`${JSON.stringify(figure)}\n`)
      continue
    }
    if (figure.load !== load) process.stdout.write(`\n${name}: ${figure.load}\n`)
    load = figure.load
    process.stdout.write(`${toRow(figure)}\n`)
  }
}

function toRow ({ unit, ours, peer, theirs, ratio }: Figure): string {
  const beside = peer === null ? '' : `   ${String(theirs).padStart(10)}  ${peer}   ${ratio}×`
  return `  ${unit.padEnd(24)} ${String(ours).padStart(10)}${beside}`
}
