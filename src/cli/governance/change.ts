import { readFileSync } from 'node:fs'
import { parseDuration } from '../../core/duration.ts'
import { SECTION_NAMES, type SectionName } from '../../governance/state.ts'
import { usageFailure } from '../failure.ts'

/** A change of one section, in the form that the section's rules take; they alone say whether it is legal. */
export interface SectionChange { readonly section: SectionName, readonly change: Readonly<Record<string, unknown>> }

type Change = SectionChange['change']

const MAX_FILE_BYTES = 64 * 1024
const HINT = 'Write section.path=value, as policy.profile=strict or providers.ttl_ms=12h, or name a JSON file with {"section", "change"}.'

/** What a path means whose value is not simply a field to be set. */
const OPERATIONS: Readonly<Record<string, (value: string) => Change>> = {
  'policy.allow': value => ({ op: 'allow', ...toSubject(value) }),
  'policy.deny': value => ({ op: 'deny', ...toSubject(value) }),
  'policy.forget': value => ({ op: 'forget', ...toSubject(value) }),
  'bootstrap.add': value => ({ op: 'add', seed: toSeed(value) }),
  'bootstrap.remove': value => ({ op: 'remove', fingerprint: value }),
  'bootstrap.replace': value => {
    const [fingerprint = '', address = ''] = value.split(',', 2)
    return { op: 'replace', fingerprint, seed: toSeed(address) }
  },
  'members.mode': value => ({ op: 'set-mode', mode: value }),
  'members.remove': value => ({ op: 'remove', id: value }),
  'members.revoke': value => ({ op: 'revoke', id: value }),
  'charter.revoke-actor': value => ({ op: 'revoke-actor', actor_id: value }),
  'overrides.end': value => ({ op: 'end', id: value }),
  'freezes.thaw': value => ({ op: 'thaw', scope: value }),
}
const SETTABLE: readonly string[] = ['network', 'providers', 'policy', 'pq']

/**
 * The one change that all the texts say: fields of one section together, or one operation, or a file with one.
 * @throws {Failure} usage for text that says no change, or more than one
 */
export function parseChanges (texts: readonly string[]): SectionChange {
  const [first, ...rest] = texts.map(parseChange)
  if (first === undefined) throw usageFailure('It does not say what to change.', HINT)
  return rest.reduce(merge, first)
}

/** @throws {Failure} usage */
export function parseChange (text: string): SectionChange {
  const [, section, name = '', value = ''] = /^([a-z]+)\.([\w-]+)=([^]*)$/.exec(text) ?? []
  if (section === undefined) return readChange(text)
  const path = `${section}.${name}`
  if (!isSection(section)) throw usageFailure(`There is no section ${section}.`, `Sections are ${SECTION_NAMES.join(', ')}.`)
  if (value.startsWith('{')) return { section, change: { op: name, ...parseObject(value, text) } }
  const operation = Object.hasOwn(OPERATIONS, path) ? OPERATIONS[path] : undefined
  if (operation !== undefined) return { section, change: operation(value) }
  if (!SETTABLE.includes(section)) throw usageFailure(`${path} cannot be set like this.`, `Write ${section}.<operation>={…} with the operation’s fields as JSON.`)
  return { section, change: { op: 'set', values: { [name]: toValue(name, value) } } }
}

/** A seed as the section has it, from a multiaddr that ends with the peer ID. @throws {Failure} usage */
function toSeed (address: string): { readonly fingerprint: string, readonly endpoint: string } {
  const [, endpoint, fingerprint] = /^(\/.+)\/p2p\/([^/]+)$/.exec(address) ?? []
  if (endpoint === undefined || fingerprint === undefined) throw usageFailure(`This is no address with a peer ID: ${address}`, 'Write /ip4/192.0.2.1/tcp/7460/p2p/<peer ID>.')
  return { fingerprint, endpoint }
}

function merge (one: SectionChange, other: SectionChange): SectionChange {
  const [values, more] = [one.change['values'], other.change['values']]
  if (one.section !== other.section || one.change['op'] !== 'set' || other.change['op'] !== 'set' || !isObject(values) || !isObject(more)) {
    throw usageFailure('A proposal is one change of one section.', 'Several fields of one section go together; everything else is proposed by itself.')
  }
  return { section: one.section, change: { op: 'set', values: { ...values, ...more } } }
}

function readChange (text: string): SectionChange {
  const path = text.replace(/^@/, '')
  let json: string
  try {
    json = readFileSync(path, 'utf8')
  } catch {
    throw usageFailure(`This is neither a change nor a file with one: ${text}`, HINT)
  }
  if (json.length > MAX_FILE_BYTES) throw usageFailure(`${path} is too long for a change.`)
  const { section, change, ...more } = parseObject(json, path)
  if (typeof section !== 'string' || !isSection(section) || !isObject(change) || Object.keys(more).length > 0) throw usageFailure(`${path} holds no change.`, HINT)
  return { section, change }
}

function parseObject (json: string, where: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json)
    if (isObject(value)) return value
  } catch {
    // said below: what is not JSON is no object either
  }
  throw usageFailure(`There is no JSON object in ${where}`, HINT)
}

function toSubject (value: string): Change {
  const at = value.indexOf(':')
  if (at === -1) throw usageFailure(`This names no member of a list: ${value}`, 'Write peers:<peer ID>, prefixes:10.0.0.0/8, asns:64500 or countries:XX.')
  return { kind: value.slice(0, at), value: value.slice(at + 1) }
}

function toValue (name: string, value: string): unknown {
  if (value === 'true' || value === 'false') return value === 'true'
  if (/^\d{1,15}$/.test(value)) return Number(value)
  if (!name.endsWith('_ms')) return value
  try {
    return parseDuration(value)
  } catch (err) {
    throw usageFailure(`${name} ${(err as Error).message}.`)
  }
}

function isSection (name: string): name is SectionName {
  return (SECTION_NAMES as readonly string[]).includes(name)
}

export function isObject (value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
