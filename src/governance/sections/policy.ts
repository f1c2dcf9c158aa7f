import { integer, list, object, oneOf, operations, text, type Of, type OperationOf } from '../form.ts'
import { must, mustBeDistinct, type SectionRules } from './rules.ts'

const MAX_ENTRIES = 1024

const profile = oneOf('open', 'default', 'strict')
const subjectKind = oneOf('peer', 'prefix', 'asn', 'country')
const FORMS = {
  peer: /^[1-9A-HJ-NP-Za-km-z]{8,128}$/,
  prefix: /^[0-9a-f.:]{2,45}\/\d{1,3}$/,
  asn: /^[1-9]\d{0,9}$/,
  country: /^[A-Z]{2}$/,
} as const
const subject = object({ kind: subjectKind, value: text(140) })
export type PolicySubject = Of<typeof subject>

const value = object({ profile, allow: list(subject, MAX_ENTRIES), deny: list(subject, MAX_ENTRIES), per_asn_limit: integer(0, 1_000_000) })
export type PolicyState = Of<typeof value>

const OPERATIONS = {
  set: { values: object({ profile }) },
  'set-asn-limit': { per_asn_limit: integer(0, 1_000_000) },
  allow: { subject },
  deny: { subject },
  forget: { subject },
} as const

export const policy: SectionRules<PolicyState, OperationOf<typeof OPERATIONS>> = {
  value,
  change: operations(OPERATIONS),
  isCanaried: true,

  check ({ allow, deny }) {
    const all = [...allow, ...deny]
    mustBeDistinct(all.map(keyOf), 'subjects of allow and deny')
    for (const { kind, value } of all) must(FORMS[kind].test(value), `not a ${kind}: ${JSON.stringify(value)}`)
  },

  apply (value, change) {
    if (change.op === 'set') {
      must(change.values.profile !== value.profile, `the profile is ${value.profile} already`)
      return { ...value, profile: change.values.profile }
    }
    if (change.op === 'set-asn-limit') return { ...value, per_asn_limit: change.per_asn_limit }
    const isSubject = (other: PolicySubject): boolean => keyOf(other) === keyOf(change.subject)
    const isListed = value.allow.some(isSubject) || value.deny.some(isSubject)
    if (change.op === 'forget') {
      must(isListed, 'the subject is in no list')
      return { ...value, allow: value.allow.filter(other => !isSubject(other)), deny: value.deny.filter(other => !isSubject(other)) }
    }
    must(!isListed, 'the subject is in a list already')
    must(value[change.op].length < MAX_ENTRIES, `at most ${MAX_ENTRIES} entries`)
    return { ...value, [change.op]: [...value[change.op], change.subject] }
  },
}

function keyOf ({ kind, value }: PolicySubject): string {
  return `${kind} ${value}`
}
