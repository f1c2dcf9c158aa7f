import { join } from 'node:path'
import t from 'tap'
import { vectors } from '../../../ops/governance/example.ts'
import { compileValidators, declaredMetrics, readFiles } from '../../../ops/governance/lint.ts'
import { REQUIRED_METRICS } from '../../../ops/governance/required-metrics.ts'
import { auditPlanFaults, decisionFaults, jsonFaults, metricFaults } from '../../../ops/governance/rules.ts'
import type { Envelope } from '../../../src/governance/envelope.ts'
import { only } from '../../patterns.ts'

const files = readFiles(join(import.meta.dirname, '../../../governance'))
const validators = await compileValidators()
const golden = vectors()
const EXAMPLE = 'example/genesis.json'
const SCHEMA = 'schemas/charter.schema.json'

const judge = (changed: Readonly<Record<string, string>>): string[] => jsonFaults({ ...files, ...changed }, validators, golden)

/** The example with one thing of its charter edited, under its old signatures. */
function withCharter (edit: (charter: Record<string, unknown>) => void): string[] {
  const genesis = JSON.parse(files[EXAMPLE] ?? '') as Envelope
  const body = JSON.parse(Buffer.from(genesis.payload, 'base64').toString()) as { state: { sections: { charter: Record<string, unknown> } } }
  edit(body.state.sections.charter)
  return judge({ [EXAMPLE]: JSON.stringify({ ...genesis, payload: Buffer.from(JSON.stringify(body)).toString('base64') }) })
}

t.test('what this project has in governance/, and the metrics it declares, are as they should be', async t => {
  t.ok(Object.keys(files).length > 40, 'they were read')
  t.strictSame([...judge({}), ...decisionFaults(files), ...metricFaults(REQUIRED_METRICS, declaredMetrics())], [])
})

t.test('a JSON file that is missing, broken, unknown, or not what the code makes is named', async t => {
  const others = Object.entries(files).filter(([path]) => path !== EXAMPLE)
  t.strictSame(jsonFaults(Object.fromEntries(others), validators, golden), [`${EXAMPLE}: is missing`])
  t.strictSame(judge({ [EXAMPLE]: '{' }), [`${EXAMPLE}: is not JSON`])
  t.strictSame(judge({ [EXAMPLE]: '{}' }), [`${EXAMPLE}: is not valid by envelope.schema.json`])
  t.strictSame(judge({ 'example/other.json': '{}' }), ['example/other.json: nothing says what this file is'])
  t.match(judge({ [SCHEMA]: '{}' }), only(/^schemas\/charter.schema.json: is not the schema that the code reads by/))
  t.match(judge({ 'vectors/governance.json': '{}' }), only(/^vectors\/governance.json: is not what the code computes/))
})

t.test('an example without a quorum, windows or a way back, or with ones out of range, is refused', async t => {
  for (const field of ['quorum', 'actors', 'windows', 'recovery']) {
    t.match(withCharter(charter => { delete charter[field] }).join('\n'), new RegExp(`the charter has no ${field}[^]*not valid by genesis.schema.json`), field)
  }
  t.match(withCharter(charter => { charter['quorum'] = 4 }).join('\n'), /a quorum of 4 cannot be reached by 3 approvers/)
  t.match(withCharter(charter => { charter['quorum'] = 1 }).join('\n'), /for micronodes only/)
  t.match(withCharter(charter => { charter['recovery'] = { ...charter['recovery'] as object, threshold: 9 } }).join('\n'), /recovery threshold/)
  const windows = { lapse_ms: 86_400_000, canary_ms: 600_000, freeze_ms: 3_600_000 }
  for (const [name, ms] of [['lapse_ms', 1], ['canary_ms', 86_400_001], ['freeze_ms', 3_600_001]] as const) {
    t.match(withCharter(charter => { charter['windows'] = { ...windows, [name]: ms } }).join('\n'), new RegExp(`not valid by genesis.schema.json[^]*${name}`), name)
  }
})

t.test('an example that somebody in it has not signed, or signed otherwise, is refused', async t => {
  const genesis = JSON.parse(files[EXAMPLE] ?? '') as Envelope
  const [first] = genesis.signatures
  t.match(judge({ [EXAMPLE]: JSON.stringify({ ...genesis, signatures: genesis.signatures.filter(({ keyid }) => keyid.split('/')[0] !== first?.keyid.split('/')[0]) }) }), only(/has not signed the genesis/))
  t.equal(withCharter(charter => { charter['quorum'] = 3 }).length, 1, 'the signatures are over a quorum of 2')
})

t.test('a metric that is demanded and missing, of another type, or without its label is named with who demands it', async t => {
  const required = [{ name: 'a_total', type: 'counter', labels: ['x', 'y'], source: 'some.md §5' }] as const
  const good = { name: 'a_total', type: 'counter', labels: ['x', 'y', 'z'] }
  t.strictSame(metricFaults(required, [good]), [])
  t.strictSame(metricFaults(required, [{ ...good, name: 'b_total' }]), ['a_total: some.md §5 demands it, and no such metric is declared'])
  t.strictSame(metricFaults(required, [{ ...good, type: 'gauge' }]), ['a_total: is a gauge, and some.md §5 demands a counter'])
  t.strictSame(metricFaults(required, [{ ...good, labels: ['x'] }]), ['a_total: has no label y, which some.md §5 demands'])
  for (const { name } of REQUIRED_METRICS) t.equal(metricFaults(REQUIRED_METRICS, declaredMetrics().filter(metric => metric.name !== name)).length, 1, name)
})

t.test('a decision record has a number of its own and its three parts in order', async t => {
  const path = 'decisions/0001-a-title.md'
  const text = '# 0001 A title\n\n**Context.** c\n\n**Decision.** d\n\n**Consequence.** e\n'
  t.strictSame(decisionFaults({ [path]: text }), [])
  t.strictSame(decisionFaults({ [path]: text.replaceAll(/\*\*(\w+)\.\*\*/g, '## $1\n') }), [], 'headings will do')
  t.strictSame(decisionFaults({ [path]: text, 'decisions/0001-b.md': text }), [`decisions/0001-b.md: has the number of ${path}`])
  t.strictSame(decisionFaults({ 'decisions/1.md': text }), ['decisions/1.md: is not called NNNN-title.md'])
  t.match(decisionFaults({ [path]: text.replace('0001', '0002') }), only(/does not begin with "# 0001 "/))
  for (const part of ['Context', 'Decision', 'Consequence']) t.strictSame(decisionFaults({ [path]: text.replace(`**${part}.** `, '') }), [`${path}: has no **${part}.**`])
  t.strictSame(decisionFaults({ [path]: '# 0001 A title\n\n**Decision.** d\n\n**Context.** c\n\n**Consequence.** e\n' }), [`${path}: is not in the order Context, Decision, Consequence`])
})

t.test('a change to schemas, example or vectors needs an audit plan, in the message or in a decision record', async t => {
  const change = { what: 'abc', paths: [SCHEMA], message: 'governance: change', decisionLines: [] }
  for (const paths of [[SCHEMA], [EXAMPLE], ['vectors/governance.json'], ['schemas/new.schema.json', 'README.md']]) {
    t.match(auditPlanFaults([{ ...change, paths }]), only(new RegExp(`^abc changes ${paths[0]} without an audit plan`)))
  }
  t.strictSame(auditPlanFaults([{ ...change, paths: ['README.md', 'decisions/0001-a.md'] }]), [], 'other files need none')
  const plan = 'Audit-plan: compare state roots of both fleets after the upgrade'
  t.strictSame(auditPlanFaults([{ ...change, message: `a\n\nwhy\n\n${plan}\n` }]), [])
  t.strictSame(auditPlanFaults([{ ...change, decisionLines: [plan] }]), [])
  for (const none of ['Audit-plan:', 'Audit-plan: none', 'Audit-plan: to do', `not at the beginning ${plan}`]) t.equal(auditPlanFaults([{ ...change, message: none }]).length, 1, none)
})
