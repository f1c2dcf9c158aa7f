import { isDeepStrictEqual } from 'node:util'
import { isAllotted } from './canary.ts'
import type { Ledger, Tracked } from './ledger.ts'
import { changeSection, SECTION_NAMES, type SectionName, type Sections } from './state.ts'

/** From so many active servers on a canary is on a tenth of them; of fewer a tenth is none, and each tries it as a whole. */
const FLEET = 10
const FOREVER = Number.MAX_SAFE_INTEGER

/** The canaries that this daemon takes part in. */
export function ownCanaries ({ proposals, state }: Ledger, self: string): readonly Tracked[] {
  const servers = state.sections.members.nodes.filter(({ status, roles }) => status === 'active' && roles.includes('server'))
  const isFleet = servers.length >= FLEET && servers.some(({ keys }) => keys.peer_id === self)
  return [...proposals.values()].filter(({ stage, id }) => stage === 'canary' && (!isFleet || isAllotted(self, id)))
}

/** What holds on this daemon: the agreement without what has ended by `at`, and with what it tries as a canary. */
export function sectionsInForce (ledger: Ledger, at: number, canaries: readonly Tracked[]): Sections {
  const { state } = ledger
  let sections = withoutEnded(state.sections, at)
  for (const { proposal: { section, base_digest: baseDigest, change }, canaryAt } of canaries) {
    // That it fits the other sections, `step` sees to: it ends a canary that does not any more.
    sections = { ...sections, [section]: changeSection(state, { section, baseDigest, change, at: canaryAt ?? ledger.time }) }
  }
  return sections
}

/** What holds while the agreement cannot be trusted: the last that was, without exceptions, and no writes. */
export function safeSections (sections: Sections): Sections {
  return { ...sections, overrides: { active: sections.overrides.active.filter(({ kind }) => kind === 'deny-peer') }, freezes: { active: [{ scope: 'writes', ends_at: FOREVER }] } }
}

/** The sections whose values differ; all of them where there was none before. */
export function changedSections (before: Sections | undefined, after: Sections): readonly SectionName[] {
  return SECTION_NAMES.filter(name => before === undefined || (before[name] !== after[name] && !isDeepStrictEqual(before[name], after[name])))
}

function withoutEnded (sections: Sections, at: number): Sections {
  const { overrides, freezes } = sections
  const isOn = ({ ends_at: endsAt }: { readonly ends_at: number }): boolean => at < endsAt
  if (overrides.active.every(isOn) && freezes.active.every(isOn)) return sections
  return { ...sections, overrides: { active: overrides.active.filter(isOn) }, freezes: { active: freezes.active.filter(isOn) } }
}
