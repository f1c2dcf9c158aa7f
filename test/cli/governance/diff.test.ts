import fc from 'fast-check'
import t from 'tap'
import { renderDiff, toShortJson } from '../../../src/cli/governance/diff.ts'
import { keysOf } from '../../governance/fixtures.ts'

const VIEW = { now: 0, columns: undefined, hasColour: false }
const shown = (before: unknown, after: unknown): string => renderDiff('s', before, after, VIEW)

t.test('a value is shown whole, however long it may be; of a key of 2592 bytes the start is enough', async t => {
  const endpoint = `/dns4/${'a'.repeat(240)}/tcp/1`
  t.equal(shown({ seeds: [] }, { seeds: [{ endpoint }] }), `  + s.seeds: {"endpoint":"${endpoint}"}\n`)
  const { ml_dsa_87: key = '' } = keysOf('one', true).publicKeys
  t.equal(toShortJson({ id: 'one', key }), `{"id":"one","key":"${key.slice(0, 24)}… (3456 characters)"}`)
})

t.test('lists that differ in their order or number alone are shown as they are', async t => {
  t.equal(shown({ days: [1, 2] }, { days: [2, 1] }), '  - s.days: [1,2]\n  + s.days: [2,1]\n')
  t.equal(shown({ days: [1] }, { days: [1, 1] }), '  - s.days: [1]\n  + s.days: [1,1]\n')
})

t.test('of a long list only what came and went is shown', async t => {
  const nodes = Array.from({ length: 4096 }, (_, n) => ({ id: `n${n}`, status: 'active' }))
  const after = nodes.map((node, n) => n === 7 ? { ...node, status: 'revoked' } : node)
  t.equal(shown({ nodes }, { nodes: after }), '  - s.nodes: {"id":"n7","status":"active"}\n  + s.nodes: {"id":"n7","status":"revoked"}\n')
})

t.test('a name that every object has something under is a name like others', async t => {
  t.equal(shown({}, { toString: 1 }), '  + s.toString: 1\n')
})

t.test('whatever differs is shown, and nothing is where nothing does', async t => {
  const value = fc.jsonValue({ maxDepth: 3 })
  fc.assert(fc.property(value, value, (before, after) => {
    const isSame = JSON.stringify(sorted(before)) === JSON.stringify(sorted(after))
    if ((shown(before, after) === '  nothing differs\n') !== isSame) throw new Error(shown(before, after))
  }), { numRuns: 2000 })
  t.equal(shown({ a: 1 }, { a: 1 }), '  nothing differs\n')
})

/** With the fields of objects in one order: what canonical JSON does. */
function sorted (value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1).map(([name, inner]) => [name, sorted(inner)]))
}
