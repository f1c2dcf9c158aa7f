import { actor } from '../../src/governance/actor.ts'
import { envelope } from '../../src/governance/envelope.ts'
import type { JsonSchema } from '../../src/governance/form.ts'
import { charter } from '../../src/governance/sections/charter.ts'
import { members } from '../../src/governance/sections/members.ts'
import { SECTION_NAMES, SECTIONS, stateForm } from '../../src/governance/state.ts'
import { genesisForm, STATEMENT_FORMS } from '../../src/governance/statement.ts'

const text = { type: 'string' }
const someText = { type: 'string', minLength: 1 }
const textOrNull = { type: ['string', 'null'] }
const leafHash = '^[0-9a-f]{64}$'
const day = '(?:\\d{4}|[+-]\\d{6})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])'
const timeOfDay = '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d\\.\\d{3}'

/** The rules of `src/audit/format/entry.ts`, which has no forms: the tests hold the two together. */
const entry: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['schema', 'seq', 'ts', 'actor', 'capability_id', 'action', 'before_digest', 'after_digest', 'reason', 'proposal_id', 'signers', 'op_id', 'prev'],
  properties: {
    schema: { enum: ['svc-dht/audit/1'] },
    seq: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    ts: { type: 'string', pattern: `^${day}T${timeOfDay}Z$` },
    actor: someText,
    capability_id: textOrNull,
    action: someText,
    before_digest: textOrNull,
    after_digest: textOrNull,
    reason: text,
    proposal_id: textOrNull,
    signers: { type: 'array', items: text },
    op_id: someText,
    disputed: { enum: [true] },
    event: {},
    prev: text,
  },
  if: { properties: { seq: { enum: [0] } } },
  then: { properties: { prev: { enum: [''] } } },
  else: { properties: { prev: { type: 'string', pattern: leafHash } } },
}

const SCHEMAS = {
  envelope: { title: 'DSSE envelope of a statement or a genesis', ...envelope.schema },
  genesis: { title: 'Payload of a genesis', ...genesisForm.schema },
  statement: { title: 'Payload of a statement, told apart by its field schema', type: 'object', anyOf: Object.values(STATEMENT_FORMS).map(({ schema }) => schema) },
  change: { title: 'What a proposal changes, by section', type: 'object', anyOf: SECTION_NAMES.map(name => ({ title: name, ...SECTIONS[name].change.schema })) },
  state: { title: 'The governed state', ...stateForm.schema },
  charter: { title: 'The charter', ...charter.value.schema },
  actor: { title: 'An actor of the charter', ...actor.schema },
  members: { title: 'The member list and its nodes', ...members.value.schema },
  'audit-entry': { title: 'An entry of the audit log', ...entry },
} as const satisfies Readonly<Record<string, JsonSchema>>

export type SchemaName = keyof typeof SCHEMAS
export const SCHEMA_NAMES = Object.keys(SCHEMAS) as readonly SchemaName[]

/** A schema as `governance/schemas/` holds it. */
export function schemaOf (name: SchemaName): JsonSchema {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', $id: `${name}.schema.json`, ...SCHEMAS[name] }
}
