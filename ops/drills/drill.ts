import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** One expectation of a drill, and what was seen instead of assumed. */
export interface Finding {
  readonly expected: string
  readonly holds: boolean
  readonly seen: unknown
}

/** What a drill leaves: kept by operators as proof that it was held, and how it went. */
export interface Evidence {
  readonly schema: 'svc-dht/drill/1'
  readonly drill: string
  /** RFC 3339, UTC. */
  readonly heldAt: string
  readonly seconds: number
  /** Every expectation held, and there was at least one. */
  readonly passed: boolean
  readonly findings: readonly Finding[]
  /** By name with unit, as `longest stall ms`. */
  readonly figures: Readonly<Record<string, number>>
}

/** Where a drill writes down what it sees; `stack` ends what it started, whatever happens. */
export class Notes {
  readonly findings: Finding[] = []
  readonly figures: Record<string, number> = {}

  expect (expected: string, holds: boolean, seen: unknown): void {
    this.findings.push({ expected, holds, seen })
  }

  figure (name: string, value: number): void {
    this.figures[name] = Number(value.toPrecision(3))
  }
}

export type Drill = (notes: Notes, stack: AsyncDisposableStack) => Promise<void>

/** Holds a drill to its end. One that throws has failed; what it had seen until then is kept. */
export async function hold (name: string, drill: Drill): Promise<Evidence> {
  const heldAt = new Date().toISOString()
  const startedAt = performance.now()
  const notes = new Notes()
  try {
    await using stack = new AsyncDisposableStack()
    await drill(notes, stack)
  } catch (err) {
    notes.expect('the drill runs to its end', false, String(err))
  }
  const { findings, figures } = notes
  const seconds = Number(((performance.now() - startedAt) / 1000).toFixed(1))
  return { schema: 'svc-dht/drill/1', drill: name, heldAt, seconds, passed: findings.length > 0 && findings.every(({ holds }) => holds), findings, figures }
}

/** Prints the outcome, leaves the evidence in `artifacts/drills`, and makes the process exit with 1 on failure. */
export async function holdAlone (name: string, drill: Drill): Promise<void> {
  const evidence = await hold(name, drill)
  const folder = join('artifacts', 'drills')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${name}.json`)
  writeFileSync(file, `${JSON.stringify(evidence, null, 2)}\n`)
  process.stdout.write(`${describe(evidence)}Evidence: ${file}\n`)
  if (!evidence.passed) process.exitCode = 1
}

function describe ({ drill, passed, seconds, findings, figures }: Evidence): string {
  const rows = findings.map(({ expected, holds, seen }) => `  ${holds ? 'ok  ' : 'FAIL'}  ${expected}${holds ? '' : `\n        seen: ${JSON.stringify(seen)}`}`)
  const measured = Object.entries(figures).map(([name, value]) => `  ${name}: ${value}`)
  return `${drill}: ${passed ? 'passed' : 'FAILED'} in ${seconds} s\n${[...rows, ...measured].join('\n')}\n`
}
