import { digestOf } from './digest.ts'
import { integer, object, oneOf, text, type Of } from './form.ts'
import { refused } from './refusal.ts'
import { bootstrap } from './sections/bootstrap.ts'
import { approversOf, charter } from './sections/charter.ts'
import { freezes } from './sections/freezes.ts'
import { members } from './sections/members.ts'
import { network } from './sections/network.ts'
import { overrides } from './sections/overrides.ts'
import { policy } from './sections/policy.ts'
import { pq } from './sections/pq.ts'
import { providers } from './sections/providers.ts'
import { must, type RuleContext, type SectionRules } from './sections/rules.ts'

/** Every governed section and its rules. */
export const SECTIONS = { charter, members, network, providers, policy, bootstrap, pq, overrides, freezes } as const
export type SectionName = keyof typeof SECTIONS
export const SECTION_NAMES = Object.keys(SECTIONS) as readonly SectionName[]
export const sectionName = oneOf(...SECTION_NAMES)

const sectionsForm = object({
  charter: charter.value,
  members: members.value,
  network: network.value,
  providers: providers.value,
  policy: policy.value,
  bootstrap: bootstrap.value,
  pq: pq.value,
  overrides: overrides.value,
  freezes: freezes.value,
} satisfies Record<SectionName, unknown>)
export type Sections = Of<typeof sectionsForm>

export const stateForm = object({
  schema: oneOf('svc-dht/governance/state/1'),
  network_id: text(64, /^[0-9a-f]{32}$/),
  /** Counts applied changes. */
  epoch: integer(0, Number.MAX_SAFE_INTEGER),
  sections: sectionsForm,
})
/** What the network has agreed on. */
export type State = Of<typeof stateForm>

export interface Change {
  readonly section: SectionName
  /** Digest of the section that the change was made for. */
  readonly baseDigest: string
  /** In the form of the section's changes. */
  readonly change: unknown
  readonly at: number
}

/**
 * The state after one change. Pure: who may make it was checked before, so one log gives one state everywhere.
 * @throws {DhtError} gov_base when the section is not the one the change was made for, gov_schema and gov_rule for an illegal change
 */
export function apply (state: State, change: Change): State {
  return withSection(state, change.section, changeSection(state, change), { at: change.at, overrides: state.sections.overrides })
}

/**
 * The section's value after one change, of which only `apply` says whether it fits the rest.
 * @throws {DhtError} as apply
 */
export function changeSection (state: State, { section, baseDigest, change, at }: Change): unknown {
  if (sectionDigest(state, section) !== baseDigest) throw refused('gov_base', `${section} has changed since the proposal was made`, { hint: 'Propose again on the present state.' })
  const rules = SECTIONS[section] as SectionRules<unknown, unknown>
  return rules.apply(state.sections[section], rules.change(change, 'change'), { at, overrides: state.sections.overrides })
}

/** The state with one section's value, when the whole is legal. */
export function withSection (state: State, section: SectionName, value: unknown, context: RuleContext): State {
  const next = { ...state, epoch: state.epoch + 1, sections: { ...state.sections, [section]: value } } as State
  // The value goes through its form again: a change that would outgrow a bound of it is refused here.
  const rules = SECTIONS[section] as SectionRules<unknown, unknown>
  rules.check(rules.value(value, section), context)
  checkAcross(next, context)
  return next
}

/** @throws {DhtError} gov_rule when a section of a genesis is illegal */
export function checkState (state: State, at: number): void {
  const context = { at, overrides: state.sections.overrides }
  for (const name of SECTION_NAMES) (SECTIONS[name] as SectionRules<unknown, unknown>).check(state.sections[name], context)
  checkAcross(state, context)
}

/** Rules that hold between sections. */
function checkAcross ({ sections: { charter, pq, freezes } }: State, { at }: RuleContext): void {
  const isEveryoneAble = [...approversOf(charter), ...charter.recovery.keys].every(({ ml_dsa_87: key }) => key !== undefined)
  must(!pq.require_on || isEveryoneAble, 'while post-quantum signatures are required, every approver and recovery key needs an ML-DSA-87 key')
  const maxMs = charter.windows.freeze_ms
  must(freezes.active.every(({ ends_at: endsAt }) => endsAt - at <= maxMs), `the charter allows freezes of ${maxMs / 60_000} minutes`)
}

/** What a proposal names as its base: it is refused once the section has another. */
export function sectionDigest ({ sections }: State, section: SectionName): string {
  return digestOf('section', { section, value: sections[section] })
}

/** Digest of the section digests: equal on two daemons exactly when they hold the same agreement. */
export function stateRoot (state: State): string {
  const sections = Object.fromEntries(SECTION_NAMES.map(name => [name, sectionDigest(state, name)]))
  return digestOf('state', { schema: state.schema, network_id: state.network_id, epoch: state.epoch, sections })
}
