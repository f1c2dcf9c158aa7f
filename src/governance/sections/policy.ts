import { compilePolicy, PROFILE_NAMES, type RuleList } from '../../policy/policy.ts'
import { integer, list, object, oneOf, operations, text, type Of, type OperationOf } from '../form.ts'
import { refused } from '../refusal.ts'
import { must, type SectionRules } from './rules.ts'

/** Members that one kind of one list may have: the whole section is one part of a snapshot. */
const MAX_ENTRIES = 1024

const profile = oneOf(...PROFILE_NAMES)
const kind = oneOf('peers', 'prefixes', 'asns', 'countries')
const rules = object({
  peers: list(text(128), MAX_ENTRIES),
  prefixes: list(text(64), MAX_ENTRIES),
  asns: list(integer(1, 0xffff_ffff), MAX_ENTRIES),
  countries: list(text(2), MAX_ENTRIES),
})
/** The policy as it is put in force. */
const value = object({ profile, allow: rules, deny: rules })
export type PolicyState = Of<typeof value>

/** One member of a list; an ASN is written as a decimal number here too. */
const subject = { kind, value: text(128) }

const OPERATIONS = {
  set: { values: object({ profile }) },
  allow: subject,
  deny: subject,
  /** Out of both lists. */
  forget: subject,
} as const
type Member = Pick<OperationOf<typeof OPERATIONS> & { op: 'allow' }, 'kind' | 'value'>

export const policy: SectionRules<PolicyState, OperationOf<typeof OPERATIONS>> = {
  value,
  change: operations(OPERATIONS),
  isCanaried: true,

  check (value) {
    try {
      compilePolicy(value)
    } catch (cause) {
      throw refused('gov_rule', (cause as Error).message, { cause })
    }
  },

  apply (value, change) {
    if (change.op === 'set') {
      must(change.values.profile !== value.profile, `the profile is ${value.profile} already`)
      return { ...value, profile: change.values.profile }
    }
    const isListed = isMember(value.allow, change) || isMember(value.deny, change)
    if (change.op === 'forget') {
      must(isListed, 'it is in no list')
      return { ...value, allow: without(value.allow, change), deny: without(value.deny, change) }
    }
    must(!isListed, 'it is in a list already')
    must(value[change.op][change.kind].length < MAX_ENTRIES, `at most ${MAX_ENTRIES} ${change.kind}`)
    return { ...value, [change.op]: withMember(value[change.op], change) }
  },
}

function isMember (rules: RuleList, { kind, value }: Member): boolean {
  return rules[kind].some(other => String(other) === value)
}

function withMember (rules: RuleList, { kind, value }: Member): RuleList {
  // Whether it is a number is checked with the form of the section.
  return { ...rules, [kind]: [...rules[kind], kind === 'asns' ? Number(value) : value] }
}

function without (rules: RuleList, { kind, value }: Member): RuleList {
  return { ...rules, [kind]: rules[kind].filter((other: string | number) => String(other) !== value) }
}
