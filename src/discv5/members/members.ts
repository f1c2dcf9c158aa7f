import type { Counts } from '../counts.ts'
import type { NodeRecord } from '../engine.ts'
import type { JudgeMember, MeetingPlace, Membership } from './membership.ts'

interface Deps { readonly counts: Pick<Counts, 'drops' | 'outsiders'> }

/** The members of the discv5 plane, as the list in force has them. Everybody is admitted until there is one. */
export class Members implements Membership {
  readonly #deps: Deps
  #judge: JudgeMember | undefined

  constructor (deps: Deps) {
    this.#deps = deps
  }

  /** Puts another list in force for every decision from now on; undefined for none. What nodes have already is taken by the engine's `dropOutsiders`. */
  replace (judge: JudgeMember | undefined): void {
    this.#judge = judge
  }

  admits (nodeId: string, pairs: NodeRecord['pairs'] | undefined, place: MeetingPlace): boolean {
    const verdict = this.#judge?.(nodeId, pairs)
    if (verdict?.fault === undefined) return true
    const { drops, outsiders } = this.#deps.counts
    outsiders[verdict.isRefused ? 'refused' : 'observed'][place]++
    if (verdict.isRefused) drops.member++
    return !verdict.isRefused
  }

  isOutsider (nodeId: string, pairs: NodeRecord['pairs']): boolean {
    return this.#judge?.(nodeId, pairs)?.isRefused === true
  }
}
