import t from 'tap'
import { hold } from '../../ops/drills/drill.ts'
import { DRILLS } from '../../ops/drills/drills.ts'
import { only } from '../patterns.ts'

t.setTimeout(900_000) // most of it are programs that start: a busy machine takes several times as long as an idle one

for (const [name, drill] of Object.entries(DRILLS)) {
  t.test(`the drill ${name} passes`, { timeout: 240_000 }, async t => {
    const evidence = await hold(name, drill)
    t.strictSame(evidence.findings.filter(({ holds }) => !holds), [])
    t.ok(evidence.passed)
  })
}

t.test('a drill that sees nothing, or does not come to its end, has not passed', async t => {
  t.match(await hold('empty', async () => {}), { passed: false, findings: only() })
  t.match(await hold('broken', async notes => {
    notes.expect('first things hold', true, undefined)
    throw new Error('no daemon')
  }), { passed: false, findings: only({ holds: true }, { holds: false, seen: 'Error: no daemon' }) })
})
