import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { readHistory } from '../../../ops/governance/changes.ts'
import { auditPlanFaults } from '../../../ops/governance/rules.ts'
import { only } from '../../patterns.ts'

const SCHEMA = 'governance/schemas/a.schema.json'
const RECORD = 'governance/decisions/0001-a.md'
const PLAN = 'Audit-plan: compare the roots of both fleets'

/** A project of its own, with its first commit behind it. */
class Project {
  readonly root: string
  constructor (t: Test) {
    this.root = mkdtempSync(join(tmpdir(), 'svc-dht-changes-'))
    t.teardown(() => rmSync(this.root, { recursive: true, force: true }))
    this.git('init', '--quiet', '--initial-branch=main')
    this.write(SCHEMA, '1')
    this.commit('first')
  }

  git (...args: readonly string[]): void {
    execFileSync('git', ['-C', this.root, '-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'commit.gpgSign=false', '-c', 'core.hooksPath=/dev/null', ...args], { stdio: 'ignore' })
  }

  write (path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true })
    writeFileSync(join(this.root, path), text)
  }

  commit (message: string): void {
    this.git('add', '--all')
    this.git('commit', '--quiet', '--allow-empty', '--message', message)
  }

  faults (since?: string): readonly string[] {
    return auditPlanFaults(readHistory(this.root, since).changes).map(fault => fault.replace(/ without.*/, '').replace(/[0-9a-f]{7,} /, ''))
  }
}

t.test('without git, and without a commit before, it says that nothing was looked for', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-changes-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  t.match(readHistory(folder), { changes: only(), notices: only(/no git checkout/) })
  const project = new Project(t)
  t.match(readHistory(project.root), { changes: only(), notices: only(/there is no HEAD\^1/) })
  t.match(readHistory(project.root, 'nowhere').notices, only(/there is no nowhere/))
  project.write(SCHEMA, '2')
  t.strictSame(project.faults(), ['The working tree changes schemas/a.schema.json'], 'the working tree is looked at all the same')
})

t.test('the last commit needs a plan, and those before it no more', async t => {
  const project = new Project(t)
  project.write(SCHEMA, '2')
  project.commit('change')
  t.strictSame(project.faults(), ['(change) changes schemas/a.schema.json'])
  project.git('commit', '--quiet', '--amend', '--message', `change\n\n${PLAN}`)
  t.strictSame(project.faults(), [])
  project.write(SCHEMA, '3')
  project.commit('unplanned')
  project.commit('another')
  t.strictSame(project.faults(), [])
  t.strictSame(project.faults('HEAD~2'), ['(unplanned) changes schemas/a.schema.json'], 'a whole branch can be looked at')
})

t.test('what is not committed yet needs a plan in a decision record, new or not', async t => {
  const project = new Project(t)
  project.commit('nothing')
  project.write('governance/vectors/new.json', '1')
  t.strictSame(project.faults(), ['The working tree changes vectors/new.json'])
  project.write(RECORD, `# 0001\n\n${PLAN}\n`)
  t.strictSame(project.faults(), [])
  project.commit('both')
  t.strictSame(project.faults(), [], 'and so it is as a commit')
  rmSync(join(project.root, SCHEMA))
  t.strictSame(project.faults(), ['The working tree changes schemas/a.schema.json'], 'the plan of another change does not do')
  project.write(RECORD, `# 0001\n\n${PLAN}\n\n${PLAN} again\n`)
  t.strictSame(project.faults(), [])
})

t.test('a merge is asked for the plans of its commits, and for one of its own only where it changes something itself', async t => {
  const project = new Project(t)
  project.git('checkout', '--quiet', '-b', 'side')
  project.write(SCHEMA, 'side')
  project.commit(`side\n\n${PLAN}`)
  project.git('checkout', '--quiet', 'main')
  project.commit('main goes on')
  project.git('merge', '--quiet', '--no-ff', '--message', 'merge side', 'side')
  t.strictSame(project.faults(), [])
  project.git('checkout', '--quiet', '-b', 'other')
  project.write(SCHEMA, 'other')
  project.commit('other')
  project.git('checkout', '--quiet', 'main')
  project.git('merge', '--quiet', '--no-ff', '--message', 'merge other', 'other')
  t.strictSame(project.faults(), ['(other) changes schemas/a.schema.json'])
  project.write(SCHEMA, 'by the merge itself')
  project.git('commit', '--quiet', '--all', '--amend', '--message', 'merge other')
  t.same(project.faults().length, 2)
})
