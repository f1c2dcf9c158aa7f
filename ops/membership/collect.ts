/** Something that the plan demands, and the test that shows it. */
export interface Case {
  /** In the words of the plan. */
  readonly demand: string
  /** Document and section. */
  readonly source: string
  /** Below `test/`. */
  readonly file: string
  /** The name of the test, in full. */
  readonly test: string
}

/** A run of one test file: how its process ended, and what it printed. */
export interface FileRun { readonly exit: number | null, readonly tap: string }

export type Outcome = 'passed' | 'failed' | 'skipped' | 'missing'
export interface Judged extends Case { readonly outcome: Outcome }

/** The JSON reports in `artifacts/membership/`. */
export interface Report {
  readonly schema: 'svc-dht/membership-report/1'
  readonly report: string
  /** RFC 3339, UTC. */
  readonly made_at: string
  readonly commit: string
  readonly status: 'pass' | 'fail'
  readonly cases: readonly Judged[]
  /** Files that ran and did not end well, whichever of their tests it was. */
  readonly failed_files: readonly string[]
  readonly checks: readonly Check[]
}

/** Something else that was run: a command, or a drill. */
export interface Check { readonly name: string, readonly passed: boolean, readonly seen?: unknown }

/** The tests at the top of a TAP text, by name. What comes twice by one name has failed when one of them has. */
export function outcomesOf (tap: string): ReadonlyMap<string, Outcome> {
  const outcomes = new Map<string, Outcome>()
  for (const line of tap.split('\n')) {
    const [, not, name, directive = ''] = /^(not )?ok \d+ - (.*?)(?: # (SKIP|TODO|time=).*)?$/i.exec(line) ?? []
    if (name === undefined) continue
    const outcome = /skip|todo/i.test(directive) ? 'skipped' : not === undefined ? 'passed' : 'failed'
    const before = outcomes.get(name)
    outcomes.set(name, before === undefined || before === 'passed' ? outcome : before)
  }
  return outcomes
}

/** Every case is found by its name and passed, or the gate is shut: so it is for one that is skipped, renamed or deleted. */
export function collect (cases: readonly Case[], runs: ReadonlyMap<string, FileRun>): { readonly cases: readonly Judged[], readonly failedFiles: readonly string[] } {
  const outcomes = new Map([...runs].map(([file, { tap }]) => [file, outcomesOf(tap)]))
  const files = new Set(cases.map(({ file }) => file))
  return {
    cases: cases.map(each => ({ ...each, outcome: outcomes.get(each.file)?.get(each.test) ?? 'missing' })),
    failedFiles: [...files].filter(file => runs.get(file)?.exit !== 0),
  }
}

/** A report says pass only when there was something to judge and all of it held. */
export function toReport (report: string, made: { readonly at: string, readonly commit: string }, { cases, failedFiles }: ReturnType<typeof collect>, checks: readonly Check[] = []): Report {
  const isGood = cases.length > 0 && failedFiles.length === 0 && cases.every(({ outcome }) => outcome === 'passed') && checks.every(({ passed }) => passed)
  return { schema: 'svc-dht/membership-report/1', report, made_at: made.at, commit: made.commit, status: isGood ? 'pass' : 'fail', cases, failed_files: failedFiles, checks }
}
