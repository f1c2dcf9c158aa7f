import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { schemaOf, SCHEMA_NAMES, type SchemaName } from '../../../ops/governance/schemas.ts'
import { encodeEntry, parseEntry } from '../../../src/audit/format/entry.ts'
import { actor } from '../../../src/governance/actor.ts'
import { envelope } from '../../../src/governance/envelope.ts'
import { charter } from '../../../src/governance/sections/charter.ts'
import { members } from '../../../src/governance/sections/members.ts'
import { SECTION_NAMES, SECTIONS, stateForm } from '../../../src/governance/state.ts'
import { genesisForm, STATEMENT_FORMS } from '../../../src/governance/statement.ts'
import { canonicalJson } from '../../../src/core/digest.ts'
import { charterOf, castOf, everyone, genesisOf, HOUR, Network, stateOf } from '../../governance/fixtures.ts'
import { compile, type Validator } from '../../../ops/governance/validators.ts'

t.setTimeout(120_000)

type Doc = Readonly<Record<string, unknown>>
const payload = (signed: { readonly payload: string }): Doc => JSON.parse(Buffer.from(signed.payload, 'base64').toString()) as Doc

const network = new Network()
const pqCast = castOf(true)
const state = stateOf(charterOf(pqCast, { windows: { lapse_ms: 24 * HOUR, canary_ms: 600_000, freeze_ms: HOUR, calendar: { weekdays: [1, 5], from_hour: 8, to_hour: 18 } } }), {
  members: { mode: 'observe', nodes: [{ id: 'n-1', keys: { peer_id: '12D3KooWNode', node_id: 'ab'.repeat(32) }, roles: ['server'], status: 'active' }] },
})
const proposal = network.proposal('policy', { op: 'set', values: { profile: 'strict' } })
const id = 'cd'.repeat(32)
const common = { network_id: 'ab'.repeat(16), actor: id, created_at: 1 }
const statements: readonly Doc[] = [
  payload(proposal),
  ...['approval', 'veto', 'execution', 'promotion', 'rollback'].map(kind => payload(network.about(kind, id, network.cast.ops))),
  { schema: 'svc-dht/governance/dispute/1', ...common, subject: `proposal:${id}`, summary: 'a', evidence: ['b'], requested_override: 'c', impact: 'd', contacts: 'e' },
  { schema: 'svc-dht/governance/resolution/1', ...common, dispute_id: id, outcome: 'settled' },
  { schema: 'svc-dht/governance/fulfilment/1', ...common, obligation_id: 'audit-event', link: 'https://example.org/1' },
]
const member = { id: 'n-2', keys: { peer_id: '12D3KooWThird' }, roles: [], status: 'active' }
const changes: readonly Doc[] = [
  { op: 'set', values: { profile: 'strict' } },
  { op: 'add', node: member },
  { op: 'revoke', id: 'n-2' },
  { op: 'add-actor', actor: pqCast.sec[0] === undefined ? {} : { id: pqCast.sec[0].id, role: 'ops', ...pqCast.sec[0].publicKeys, status: 'active' } },
  { op: 'freeze', scope: 'writes', duration_ms: 60_000 },
  { op: 'replace', fingerprint: '12D3KooWThird', seed: { fingerprint: '12D3KooWSeeds', endpoint: '/ip4/127.0.0.1/tcp/1' } },
  { op: 'grant', override: { id: 'o', kind: 'provider-ttl', ttl_ms: 1000 }, duration_ms: 60_000 },
]
const place = { tsMs: 1_700_000_000_000, prev: 'ef'.repeat(32) }
const action = { actor: 'a', action: 'b', reason: '', opId: 'c', signers: ['d'], disputed: true, event: { any: [1] } } as const
const entries = [{ ...place, seq: 7 }, { ...place, seq: 0, prev: '' }].map(at => JSON.parse(Buffer.from(encodeEntry(action, at)).toString()) as Doc)

/** The code's judgement of a document, and documents that are good. */
const JUDGES: Readonly<Record<SchemaName, { readonly parse: (value: unknown) => unknown, readonly good: readonly unknown[] }>> = {
  envelope: { parse: value => envelope(value, 'it'), good: [proposal, genesisOf(stateOf(charterOf(pqCast)), everyone(pqCast).slice(0, 2))] },
  genesis: { parse: value => genesisForm(value, 'it'), good: [{ schema: 'svc-dht/governance/genesis/1', created_at: 1, state }] },
  statement: { parse: value => anyOf(Object.values(STATEMENT_FORMS).map(form => () => form(value, 'it'))), good: statements },
  change: { parse: value => anyOf(SECTION_NAMES.map(name => () => SECTIONS[name].change(value, 'it'))), good: changes },
  state: { parse: value => stateForm(value, 'it'), good: [state] },
  charter: { parse: value => charter.value(value, 'it'), good: [state.sections.charter] },
  actor: { parse: value => actor(value, 'it'), good: state.sections.charter.actors },
  members: { parse: value => members.value(value, 'it'), good: [state.sections.members] },
  'audit-entry': { parse: value => parseEntry(Buffer.from(canonicalJson(value))), good: entries },
}

/** What no schema can say, by the words of the code's refusal. */
const BEYOND_A_SCHEMA = /is not the digest of its public keys|two signatures of one key|its ts is not a time|[Ll]one surrogate/

const POOL: readonly unknown[] = [
  null, true, false, 0, 1, -1, 1.5, 64, 65, 60_000, 3_600_001, 604_800_001, 1e9, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER + 1, 1e300,
  '', ' ', 'a', '\0', '\n', 'é', '😀'.repeat(64), '😀'.repeat(65), 'x'.repeat(64), 'x'.repeat(65), 'x'.repeat(2048), '😀'.repeat(2048), 'x'.repeat(2049), '\ud800',
  'ab'.repeat(32), 'AB'.repeat(32), 'ab'.repeat(16), 'active', 'revoked', 'policy', 'AAAA', 'AAA=', 'AAB=', `${id}/ed25519`, `${id}/ml-dsa-87`,
  '2026-02-30T00:00:00.000Z', '2026-02-03T24:00:00.000Z', '2026-02-03T04:05:06.007Z', [], [null], ['a'], Array.from({ length: 65 }, () => 'a'), {}, { a: 1 },
]

t.test('the schemas on disk are those of the code, and there is no other', async t => {
  const folder = join(import.meta.dirname, '../../../governance/schemas')
  t.strictSame(readdirSync(folder).filter(name => name.endsWith('.json')).sort(), SCHEMA_NAMES.map(name => `${name}.schema.json`).sort())
  for (const name of SCHEMA_NAMES) t.strictSame(JSON.parse(readFileSync(join(folder, `${name}.schema.json`), 'utf8')), JSON.parse(JSON.stringify(schemaOf(name))), name)
})

t.test('a schema takes what the code takes, and refuses what it refuses', async t => {
  const validators = await compile(SCHEMA_NAMES.map(schemaOf))
  for (const [index, name] of SCHEMA_NAMES.entries()) {
    const seen = { taken: 0, refused: 0 }
    const disagreement = findDisagreement(name, validators[index] as Validator, seen)
    t.equal(disagreement, undefined, `${name}: ${JSON.stringify(seen)}`)
    t.ok(seen.taken > 5 && seen.refused > 50, `${name} was tried both ways`)
  }
})

t.test('a schema that drifted is found', async t => {
  const members = schemaOf('members')
  const { mode } = members['properties'] as { readonly mode: object }
  const drifted = [
    { ...members, additionalProperties: true },
    { ...members, required: [] },
    { ...members, properties: { ...members['properties'] as object, mode: { enum: ['off', 'observe'] } } },
    { ...members, properties: { mode, nodes: { type: 'array' } } },
  ]
  for (const [index, validate] of (await compile(drifted)).entries()) t.type(findDisagreement('members', validate), 'string', String(index))
})

/** A document on which schema and code differ. */
function findDisagreement (name: SchemaName, validate: Validator, seen = { taken: 0, refused: 0 }): string | undefined {
  const { parse, good } = JUDGES[name]
  let found: string | undefined
  const judge = (value: unknown): boolean => {
    const fault = faultOf(parse, value)
    if (fault !== undefined && BEYOND_A_SCHEMA.test(fault)) return true
    seen[fault === undefined ? 'taken' : 'refused']++
    if (validate(value) === (fault === undefined)) return true
    found = `the code says ${fault ?? 'good'} of ${JSON.stringify(value).slice(0, 2000)}`
    return false
  }
  for (const value of good) if (!judge(value) || faultOf(parse, value) !== undefined) return found ?? `a good example is refused: ${faultOf(parse, value)}`
  const edges = edgesOf(schemaOf(name))
  for (const value of good) {
    const places = slotsOf(value).length
    if (places > 60) continue // the parts of those are tried as documents of their own
    for (let place = 0; place < places; place++) for (const edge of edges) if (!judge(mutate(structuredClone(value), place, 'set', edge))) return found
  }
  const changed = fc.tuple(fc.constantFrom(...good), fc.nat(9999), fc.constantFrom('set', 'delete', 'add', 'repeat', 'nudge'), fc.constantFrom(...POOL, ...edges))
    .map(([value, position, how, other]) => mutate(structuredClone(value), position, how, other))
  fc.check(fc.property(changed, judge), { numRuns: 500, endOnFailure: true })
  return found
}

function faultOf (parse: (value: unknown) => unknown, value: unknown): string | undefined {
  try {
    parse(value)
    return undefined
  } catch (err) {
    return (err as Error).message
  }
}

/** The names that the code's own schema knows, and the numbers at its bounds. */
function edgesOf (schema: unknown): readonly unknown[] {
  if (typeof schema !== 'object' || schema === null) return []
  const edges = Object.entries(schema).flatMap(([word, value]) => {
    if (word === 'enum') return value as readonly unknown[]
    return word === 'minimum' || word === 'maximum' ? [value as number - 1, value, value as number + 1] : edgesOf(value)
  })
  return [...new Set(edges)]
}

/** The first that does not refuse; the last one's refusal. */
function anyOf (attempts: ReadonlyArray<() => unknown>): unknown {
  const faults = attempts.map(attempt => faultOf(attempt, undefined))
  const beyond = faults.find(fault => fault !== undefined && BEYOND_A_SCHEMA.test(fault))
  if (!faults.includes(undefined)) throw new Error(beyond ?? faults.at(-1))
  return undefined
}

type Slot = { readonly holder: Record<string | number, unknown>, readonly key: string }

function slotsOf (value: unknown): readonly Slot[] {
  if (typeof value !== 'object' || value === null) return []
  const holder = value as Record<string, unknown>
  return Object.keys(holder).flatMap(key => [{ holder, key }, ...slotsOf(holder[key])])
}

/** The document with one place of it changed. */
function mutate (value: unknown, position: number, how: string, other: unknown): unknown {
  const slots = slotsOf(value)
  const slot = slots[position % Math.max(1, slots.length)]
  if (slot === undefined) return other
  const { holder, key } = slot
  const present = holder[key]
  if (how === 'delete') {
    if (Array.isArray(holder)) holder.splice(Number(key), 1)
    else delete holder[key]
  } else if (how === 'add') {
    if (Array.isArray(present)) present.push(other)
    else if (!Array.isArray(holder)) holder['more'] = other
  } else if (how === 'repeat') {
    if (Array.isArray(present)) present.push(...structuredClone(present))
  } else if (how === 'nudge') {
    if (typeof present === 'number') holder[key] = present + (position % 2 === 0 ? 1 : -1)
    else if (typeof present === 'string') holder[key] = position % 2 === 0 ? present.slice(1) : `${present}${present.at(-1) ?? 'a'}`
  } else {
    holder[key] = other
  }
  return value
}
