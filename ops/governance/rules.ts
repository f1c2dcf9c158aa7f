import { payloadOf } from '../../src/governance/envelope.ts'
import { checkGenesis, found } from '../../src/governance/genesis.ts'
import { parseGenesis } from '../../src/governance/statement.ts'
import type { RequiredMetric } from './required-metrics.ts'
import { schemaOf, SCHEMA_NAMES, type SchemaName } from './schemas.ts'

// What governance:lint asks of the folder governance/. Each rule takes what was read and says what is wrong, a sentence each.

/** Paths below governance/ and their text. */
export type Files = Readonly<Record<string, string>>
export type Validators = Readonly<Record<SchemaName, (value: unknown) => boolean>>

/** A commit, or what is not committed yet, as far as it touches governance/. */
export interface Change {
  /** How a person calls it. */
  readonly what: string
  /** Below governance/, what it adds, alters or removes. */
  readonly paths: readonly string[]
  /** '' while there is none. */
  readonly message: string
  /** Lines that it adds to decision records. */
  readonly decisionLines: readonly string[]
}

export interface DeclaredMetric { readonly name: string, readonly type: string, readonly labels: readonly string[] }

const EXAMPLE = 'example/genesis.json'
const VECTORS = 'vectors/governance.json'

/** Every JSON file is what the code says it is, and none is there that nothing describes. */
export function jsonFaults (files: Files, validators: Validators, vectors: object): string[] {
  const missing = [EXAMPLE, VECTORS, ...SCHEMA_NAMES.map(name => `schemas/${name}.schema.json`)].filter(path => !Object.hasOwn(files, path))
  const faults = missing.map(path => `${path}: is missing`)
  for (const [path, text] of Object.entries(files)) {
    if (!path.endsWith('.json')) continue
    const value = parsed(text)
    if (value === undefined) faults.push(`${path}: is not JSON`)
    else if (path === EXAMPLE) faults.push(...genesisFaults(value, validators).map(fault => `${path}: ${fault}`))
    else if (path === VECTORS) faults.push(...equal(value, vectors) ? [] : [`${path}: is not what the code computes; npm run governance:example writes it`])
    else faults.push(...schemaFileFaults(path, value))
  }
  return faults
}

function schemaFileFaults (path: string, value: unknown): string[] {
  const name = SCHEMA_NAMES.find(name => path === `schemas/${name}.schema.json`)
  if (name === undefined) return [`${path}: nothing says what this file is`]
  return equal(value, schemaOf(name)) ? [] : [`${path}: is not the schema that the code reads by; npm run docs:generate writes it`]
}

/** The example as everybody else would read it: by the schemas, then field by field, then by the rules of the daemon. */
function genesisFaults (value: unknown, validators: Validators): string[] {
  if (!validators.envelope(value)) return ['is not valid by envelope.schema.json']
  const payload = parsed(payloadOf(value as Parameters<typeof payloadOf>[0]).toString('utf8'))
  const faults = quorumFields.filter(field => at(payload, `state.sections.charter.${field}`) === undefined).map(field => `the charter has no ${field}`)
  if (!validators.genesis(payload)) faults.push('its payload is not valid by genesis.schema.json')
  for (const judge of [() => checkGenesis(parseGenesis(value).genesis), () => found(value)]) {
    const fault = messageOf(judge)
    if (fault !== undefined && !faults.includes(fault)) faults.push(fault)
  }
  return faults
}

/** svc-dht-governance.md §4 and §8: without these there is no quorum, no end to a proposal, no canary, and no way back when keys are lost. */
const quorumFields = ['quorum', 'actors', 'windows.lapse_ms', 'windows.canary_ms', 'windows.freeze_ms', 'recovery.threshold', 'recovery.keys']

/** What the requirement documents demand is declared, as what they call it and by at least their labels. */
export function metricFaults (required: readonly RequiredMetric[], declared: readonly DeclaredMetric[]): string[] {
  return required.flatMap(({ name, type, labels, source }) => {
    const metric = declared.find(metric => metric.name === name)
    if (metric === undefined) return [`${name}: ${source} demands it, and no such metric is declared`]
    const faults = metric.type === type ? [] : [`${name}: is a ${metric.type}, and ${source} demands a ${type}`]
    return [...faults, ...labels.filter(label => !metric.labels.includes(label)).map(label => `${name}: has no label ${label}, which ${source} demands`)]
  })
}

const PARTS = ['Context', 'Decision', 'Consequence'] as const

/** Decision records: numbered once, named by their number, and each in the three parts and their order, as bold paragraphs or as headings. */
export function decisionFaults (files: Files): string[] {
  const records = Object.entries(files).filter(([path]) => path.startsWith('decisions/'))
  const seen = new Map<string, string>()
  return records.flatMap(([path, text]) => {
    const number = /^decisions\/(\d{4})-[a-z0-9-]+\.md$/.exec(path)?.[1]
    if (number === undefined) return [`${path}: is not called NNNN-title.md`]
    const faults: string[] = []
    const other = seen.get(number)
    if (other !== undefined) faults.push(`${path}: has the number of ${other}`)
    seen.set(number, path)
    if (!new RegExp(`^# ${number}:? \\S`).test(text)) faults.push(`${path}: does not begin with "# ${number} " and a title`)
    const places = PARTS.map(part => text.search(new RegExp(`^(\\*\\*${part}\\.\\*\\*|## ${part}$)\\s+\\S`, 'm')))
    faults.push(...PARTS.filter((_, index) => places[index] === -1).map(part => `${path}: has no **${part}.**`))
    if (!places.includes(-1) && places.some((place, index) => place < (places[index - 1] ?? 0))) faults.push(`${path}: is not in the order ${PARTS.join(', ')}`)
    return faults
  })
}

/** What others build on: whoever changes it says how anybody can check afterwards that it was meant. */
const GOVERNED = ['schemas/', 'example/', 'vectors/']
/** At least three words, so that "none" and "TODO" are no plan. */
const PLAN = /^Audit-plan:\s+\S+\s+\S+\s+\S/im

/** A change to schemas, example or vectors comes with an audit plan. */
export function auditPlanFaults (changes: readonly Change[]): string[] {
  return changes.flatMap(({ what, paths, message, decisionLines }) => {
    const touched = paths.filter(path => GOVERNED.some(folder => path.startsWith(folder)))
    if (touched.length === 0 || PLAN.test(message) || decisionLines.some(line => PLAN.test(line))) return []
    return [`${what} changes ${touched.join(', ')} without an audit plan: add a line "Audit-plan: …" to the commit message, or to a decision record in the same change (governance/README.md)`]
  })
}

function parsed (text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined // no JSON text has this value
  }
}

function equal (value: unknown, other: unknown): boolean {
  return JSON.stringify(value) === JSON.stringify(other)
}

function at (value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((held, key) => typeof held === 'object' && held !== null ? (held as Record<string, unknown>)[key] : undefined, value)
}

function messageOf (act: () => unknown): string | undefined {
  try {
    act()
    return undefined
  } catch (err) {
    return (err as Error).message
  }
}
