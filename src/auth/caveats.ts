import { createHash } from 'node:crypto'
import { BlockList, isIP } from 'node:net'
import type { Permission } from '../policy/permissions.ts'

/** What somebody wants to do, as far as caveats may speak of it. */
export interface Attempt {
  readonly permission: Permission
  readonly ip: string | undefined
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now: number
  readonly proposal?: string
  readonly tenant?: string
  readonly kid?: string
  readonly alg?: string
  readonly aud?: string
  readonly configDigest?: string
  readonly nonce?: string
}

export type CaveatKey = keyof typeof RULES

/** One condition: `key operator value`. `in` takes a list; the others take one value. */
export interface Caveat {
  readonly key: CaveatKey
  readonly operator: Operator
  readonly values: readonly string[]
}

/** One line of `cap test`: a condition, and why it does not hold when it does not. */
export interface Verdict {
  readonly caveat: string
  readonly holds: boolean
  readonly why?: string
}

type Operator = '=' | 'in' | '<=' | '>='

interface Rule {
  readonly operators: readonly Operator[]
  /** True for a value that can be minted, and so one that can be checked. */
  isValue (value: string): boolean
  holds (values: readonly string[], attempt: Attempt): boolean
}

export const SERVICE = 'svc-dht'
const MAX_CAVEAT_BYTES = 1024
const MAX_VALUES = 32
const WORD = /^[\w.:@/#+-]{1,256}$/

/**
 * Every condition there is: what may be minted and how it is checked, side by side. `provider:write` has scope `provider`, verb
 * `write` and action `provider:write`; a caveat on one of the three says nothing about the others, and all caveats must hold.
 */
const RULES = {
  service: oneOf(() => SERVICE),
  scope: oneOf(({ permission }) => permission.slice(0, permission.indexOf(':'))),
  action: oneOf(({ permission }) => permission),
  verbs: oneOf(({ permission }) => permission.slice(permission.indexOf(':') + 1)),
  tenant: oneOf(({ tenant }) => tenant),
  aud: oneOf(({ aud }) => aud),
  kid: oneOf(({ kid }) => kid),
  alg: oneOf(({ alg }) => alg),
  proposal: oneOf(({ proposal }) => proposal),
  nonce: oneOf(({ nonce }) => nonce),
  'config-digest': oneOf(({ configDigest }) => configDigest),
  expires: { operators: ['<='], isValue: isTime, holds: ([until = ''], { now }) => now <= timeOf(until) },
  'not-before': { operators: ['>='], isValue: isTime, holds: ([since = ''], { now }) => now >= timeOf(since) },
  ip: { operators: ['=', 'in'], isValue: isPrefix, holds: (prefixes, { ip }) => ip !== undefined && prefixes.some(prefix => covers(prefix, ip)) },
  /** Requests each second. It bounds and never denies: it goes to the quota, by {@link rateBoundsOf}. */
  rps: { operators: ['<='], isValue: text => /^[1-9]\d{0,5}$/.test(text), holds: () => true },
} satisfies Record<string, Rule>

/** What the bakery and LND write for the same: read, never minted. */
const ALIASES: Readonly<Record<string, string>> = { 'time-before ': 'expires<=', 'ipaddr ': 'ip=', 'iprange ': 'ip=' }

/** The caveat of a text; undefined when it is not one of ours, which denies. */
export function parseCaveat (text: string): Caveat | undefined {
  if (text.length > MAX_CAVEAT_BYTES) return undefined
  const alias = Object.keys(ALIASES).find(alias => text.startsWith(alias))
  const plain = alias === undefined ? text : `${ALIASES[alias]}${text.slice(alias.length)}`
  const [, key = '', sign, word, value = ''] = /^([a-z-]{1,16})(?: ?(<=|>=|=) ?| (in) )([^\s=<>]+)$/.exec(plain) ?? []
  const operator = (sign ?? word) as Operator
  if (!isKey(key)) return undefined
  const rule: Rule = RULES[key]
  const values = operator === 'in' ? value.split(',') : [value]
  if (!rule.operators.includes(operator) || values.length > MAX_VALUES || !values.every(value => rule.isValue(value))) return undefined
  return { key, operator, values }
}

/** The caveat as it is minted. */
export function formatCaveat ({ key, operator, values }: Caveat): string {
  return operator === 'in' ? `${key} in ${values.join(',')}` : `${key}${operator}${values.join(',')}`
}

/** Judges every condition of a token whose signature is known to be good: it allows the attempt when all of them hold. */
export function judgeCaveats (conditions: readonly Uint8Array[], attempt: Attempt): Verdict[] {
  return conditions.map(condition => judge(Buffer.from(condition).toString('utf8'), attempt))
}

/** How often the bearers of a token may ask, and who shares that: all whose tokens begin as this one does. */
export interface RateBound {
  readonly party: string
  readonly perSecond: number
}

/**
 * Each `rps` of the conditions that is tighter than those before it, the widest first. Who narrows a token further shares the bound
 * of the token it came from, and spends nothing of those who do not have the bound.
 */
export function rateBoundsOf (conditions: readonly Uint8Array[]): RateBound[] {
  const bounds: RateBound[] = []
  conditions.forEach((condition, index) => {
    const caveat = parseCaveat(Buffer.from(condition).toString('utf8'))
    const perSecond = caveat?.key === 'rps' ? Number(caveat.values[0]) : Number.POSITIVE_INFINITY
    if (perSecond < (bounds.at(-1)?.perSecond ?? Number.POSITIVE_INFINITY)) bounds.push({ party: partyOf(conditions.slice(0, index + 1)), perSecond })
  })
  return bounds
}

function partyOf (conditions: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const condition of conditions) hash.update(`${condition.byteLength}:`).update(condition)
  return hash.digest('base64url')
}

/** The earliest `expires` of the conditions. */
export function expiryOf (conditions: readonly string[]): number | undefined {
  const times = conditions.map(parseCaveat).flatMap(caveat => caveat?.key === 'expires' ? caveat.values.map(timeOf) : [])
  return times.length === 0 ? undefined : Math.min(...times)
}

function judge (text: string, attempt: Attempt): Verdict {
  const caveat = parseCaveat(text)
  if (caveat === undefined) return { caveat: text, holds: false, why: 'unknown or malformed caveats deny' }
  const rule: Rule = RULES[caveat.key]
  if (rule.holds(caveat.values, attempt)) return { caveat: text, holds: true }
  return { caveat: text, holds: false, why: `the request does not meet ${caveat.key}` }
}

/** A fact of the attempt that must be among the values. An attempt that has no such fact is denied. */
function oneOf (factOf: (attempt: Attempt) => string | undefined): Rule {
  return {
    operators: ['=', 'in'],
    isValue: value => WORD.test(value),
    holds: (values, attempt) => {
      const fact = factOf(attempt)
      return fact !== undefined && values.includes(fact)
    },
  }
}

function isKey (key: string): key is CaveatKey {
  return Object.hasOwn(RULES, key)
}

function isTime (text: string): boolean {
  const [, day = ''] = /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?Z$/.exec(text) ?? []
  const time = Date.parse(day)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day) // Date rolls 30 February over
}

function timeOf (text: string): number {
  return Date.parse(text)
}

function isPrefix (text: string): boolean {
  const [ip = '', bits, ...rest] = text.split('/')
  const family = isIP(ip)
  if (family === 0 || ip.includes('%') || rest.length > 0) return false
  return bits === undefined || (/^(?:0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}

function covers (prefix: string, ip: string): boolean {
  const plain = ip.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  const [network = '', bits] = prefix.split('/')
  const family = isIP(network)
  if (isIP(plain) !== family) return false
  const list = new BlockList()
  list.addSubnet(network, Number(bits ?? (family === 4 ? 32 : 128)), family === 4 ? 'ipv4' : 'ipv6')
  return list.check(plain, family === 4 ? 'ipv4' : 'ipv6')
}
