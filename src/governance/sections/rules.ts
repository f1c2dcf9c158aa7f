import type { Form } from '../form.ts'
import { refused } from '../refusal.ts'
import type { Overrides } from './overrides.ts'

/** What a rule may look at beyond its own section. */
export interface RuleContext {
  /** Trusted time in milliseconds, UTC. */
  readonly at: number
  /** The overrides in force, which loosen some limits for a while. */
  readonly overrides: Overrides
}

/** One governed section: the form of its value and of a change, and every rule about it. */
export interface SectionRules<Value, Change> {
  readonly value: Form<Value>
  readonly change: Form<Change>
  /** Whether a change can be tried on a part of the network first. Who may sign, or who is in, cannot hold in part. */
  readonly isCanaried: boolean
  /** @throws {DhtError} gov_rule when the value is illegal as a whole */
  check (value: Value, context: RuleContext): void
  /** The value after the change; the caller checks it. @throws {DhtError} gov_rule when the operation is illegal */
  apply (value: Value, change: Change, context: RuleContext): Value
}

export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS

/** @throws {DhtError} gov_rule unless it holds */
export function must (holds: boolean, message: string): void {
  if (!holds) throw refused('gov_rule', message)
}

/** @throws {DhtError} gov_rule when two are alike */
export function mustBeDistinct (names: readonly string[], what: string): void {
  must(new Set(names).size === names.length, `${what} must be distinct`)
}
