import { DhtError, type RejectReason } from '../core/errors.ts'
import type { ReadinessCheck } from '../core/readiness.ts'
import { compilePolicy, decide, findMatch, PROFILES, type Decision, type Match, type Origin, type Policy, type PolicyRules, type Subject } from './policy.ts'

/** Tells where an address comes from. */
export interface OriginSource<T> {
  /** Why nothing can be told now; undefined while it can. */
  fault (): string | undefined
  find (ip: string): T | undefined
}

export interface OriginSources {
  readonly asn: OriginSource<number> | undefined
  readonly country: OriginSource<string> | undefined
}

interface Deps {
  readonly sources: OriginSources
  /** Told of the profile in force, at once and whenever it changes. */
  readonly onProfile: (profile: PolicyRules['profile']) => void
}

/** A decision, and what it rests on. */
export interface Explained {
  readonly decision: Decision
  /** Undefined where the profile alone decides, or nothing can be judged. */
  readonly match: Match | undefined
  /** What the databases that the rules need say of the address. */
  readonly origin: Origin | undefined
}

/** Whom to ask before anyone is served. */
export interface PolicyGate {
  /** @throws {DhtError} NoCapability with the rule as reason, NotReady with `policy_down` while the policy cannot be judged */
  assertAdmits (subject: Subject): void
}

const RETRY_AFTER_MS = 5000

/** The policy in force. What cannot be judged is refused, and the daemon is not ready meanwhile. */
export class PolicyHolder implements PolicyGate, ReadinessCheck {
  readonly name = 'policy'
  readonly #deps: Deps
  #policy: Policy

  /** @throws {DhtError} BadRequest for rules that are not valid */
  constructor (rules: PolicyRules, deps: Deps) {
    this.#deps = deps
    this.#policy = compilePolicy(rules)
    deps.onProfile(rules.profile)
  }

  get rules (): PolicyRules { return this.#policy.rules }

  /** What the profile makes of the request rates. */
  get rateFactor (): number { return PROFILES[this.rules.profile].rateFactor }

  /**
   * Puts other rules in force, for every decision from now on.
   * @throws {DhtError} BadRequest for rules that are not valid; those in force stay
   */
  replace (rules: PolicyRules): void {
    this.#policy = compilePolicy(rules)
    this.#deps.onProfile(rules.profile)
  }

  /** Why the policy cannot be judged now. */
  reason (): string | undefined {
    const { needs } = this.#policy
    return this.#faultOf('asn', needs.asn) ?? this.#faultOf('country', needs.country)
  }

  decide (subject: Subject): Decision {
    const origin = this.#originOf(subject.ip) // asking may show that a database is broken
    if (this.reason() !== undefined) return { admitted: false, reason: 'policy_down' }
    return decide(this.#policy, subject, origin)
  }

  /** As {@link decide}, with what it rests on: for operators. */
  explain (subject: Subject): Explained {
    const decision = this.decide(subject)
    const origin = this.#originOf(subject.ip)
    return { decision, origin, match: this.reason() === undefined ? findMatch(this.#policy, subject, origin) : undefined }
  }

  /** The databases that the rules ask, and what is wrong with them. */
  get databases (): ReadonlyArray<{ readonly kind: keyof OriginSources, readonly fault: string | undefined }> {
    const { needs } = this.#policy
    return (['asn', 'country'] as const).filter(kind => needs[kind]).map(kind => ({ kind, fault: this.#faultOf(kind, true) }))
  }

  /** Why the subject is not admitted; undefined when it is. */
  refusal (subject: Subject): RejectReason | undefined {
    const decision = this.decide(subject)
    return decision.admitted ? undefined : decision.reason
  }

  assertAdmits (subject: Subject): void {
    const reason = this.refusal(subject)
    if (reason === undefined) return
    if (reason === 'policy_down') throw new DhtError('NotReady', 'The policy cannot be judged now.', { reason, retryAfterMs: RETRY_AFTER_MS })
    throw new DhtError('NoCapability', 'The policy does not admit you.', { reason })
  }

  #originOf (ip: string | undefined): Origin | undefined {
    const { needs } = this.#policy
    if (ip === undefined || !(needs.asn || needs.country)) return undefined
    const { asn, country } = this.#deps.sources
    return { asn: needs.asn ? asn?.find(ip) : undefined, country: needs.country ? country?.find(ip) : undefined }
  }

  #faultOf (kind: keyof OriginSources, isNeeded: boolean): string | undefined {
    if (!isNeeded) return undefined
    const source = this.#deps.sources[kind]
    if (source === undefined) return `a rule asks for the ${kind} of an address, and no database is set (policy.${kind}Database)`
    return source.fault()
  }
}
