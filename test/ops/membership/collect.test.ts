import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DRILLS } from '../../../ops/drills/drills.ts'
import { CONFORMANCE, DRILLS_HELD, NEGATIVE, RECOVERY } from '../../../ops/membership/cases.ts'
import { collect, outcomesOf, toReport, type Case } from '../../../ops/membership/collect.ts'
import { only } from '../../patterns.ts'

const MADE = { at: '2026-01-01T00:00:00.000Z', commit: 'abc' }
const A: Case = { demand: 'one', source: 'plan §1', file: 'a.test.ts', test: 'a forged one is refused' }
const B: Case = { demand: 'two', source: 'plan §1', file: 'a.test.ts', test: 'b, and more - of it' }
const GOOD = 'TAP version 14\n# Subtest: a forged one is refused\n    not ok 1 - inner\nok 1 - a forged one is refused # time=25.031ms\nok 2 - b, and more - of it\n1..2\n'

const report = (tap: string, exit: number | null = 0, cases: readonly Case[] = [A, B]) => toReport('r', MADE, collect(cases, new Map([['a.test.ts', { exit, tap }]])))

t.test('all cases found by name and passed: the gate is open', async t => {
  t.match(report(GOOD), { status: 'pass', made_at: MADE.at, commit: 'abc', failed_files: only(), cases: only({ ...A, outcome: 'passed' }, { ...B, outcome: 'passed' }) })
})

t.test('one case that failed, is skipped, is to be done, or is not there shuts it', async t => {
  t.match(report(GOOD.replace('ok 2', 'not ok 2')), { status: 'fail', cases: only({ outcome: 'passed' }, { outcome: 'failed' }) })
  t.match(report(GOOD.replace('of it', 'of it # SKIP not here')), { status: 'fail', cases: only({ outcome: 'passed' }, { outcome: 'skipped' }) })
  t.match(report(GOOD.replace('of it', 'of it # TODO')), { status: 'fail', cases: only({ outcome: 'passed' }, { outcome: 'skipped' }) })
  t.match(report(GOOD.replace('more', 'less')), { status: 'fail', cases: only({ outcome: 'passed' }, { outcome: 'missing' }) })
  t.match(report(`${GOOD}not ok 3 - a forged one is refused\n`), { status: 'fail', cases: only({ outcome: 'failed' }, { outcome: 'passed' }) }, 'one name twice')
})

t.test('a file that did not end well, did not run, or had nothing to show shuts it', async t => {
  t.match(report(GOOD, 1), { status: 'fail', failed_files: only('a.test.ts') })
  t.match(report(GOOD, null), { status: 'fail', failed_files: only('a.test.ts') })
  t.match(toReport('r', MADE, collect([A], new Map())), { status: 'fail', failed_files: only('a.test.ts'), cases: only({ outcome: 'missing' }) })
  t.equal(report(GOOD, 0, []).status, 'fail')
  t.equal(toReport('r', MADE, collect([A, B], new Map([['a.test.ts', { exit: 0, tap: GOOD }]])), [{ name: 'types', passed: false }]).status, 'fail')
})

t.test('what is nested does not count as a test', async t => {
  t.strictSame([...outcomesOf('    ok 1 - inner\nok 1 - outer\n')], [['outer', 'passed']])
})

t.test('the plan is covered: each of its eight attacks once, and every case names a test that there is', async t => {
  const plan = NEGATIVE.filter(({ source }) => source === 'membership-plan.md §6').map(({ demand }) => Number.parseInt(demand, 10)).sort()
  t.strictSame(plan, [1, 2, 3, 4, 5, 6, 7, 8])
  for (const item of ['5', '10', '11']) t.ok(NEGATIVE.some(({ source }) => source === `control-plane.md §8.${item}`), item)
  for (const { file, test } of [...NEGATIVE, ...CONFORMANCE, ...RECOVERY]) {
    const path = join(import.meta.dirname, '../..', file)
    // The architecture test makes its names of folders.
    if (file !== 'architecture.test.ts') t.ok(existsSync(path) && readFileSync(path, 'utf8').includes(`t.test('${test}'`), `${file}: ${test}`)
  }
  for (const name of DRILLS_HELD) t.ok(Object.hasOwn(DRILLS, name), name)
})
