/** `GET /v1/policy`: the policy and budgets in force. */
export interface PolicyBody {
  readonly profile: string
  /** What the profile means. */
  readonly asks_origin: boolean
  readonly only_allowed: boolean
  readonly unknown_origin: 'admit' | 'refuse'
  /** Who set profile and lists. */
  readonly source: 'configuration' | 'governance'
  /** Why nothing can be judged now, so that everybody is refused. */
  readonly fault?: string
  readonly allow: PolicyLists
  readonly deny: PolicyLists
  /** The databases that the lists ask. */
  readonly databases: ReadonlyArray<{ readonly kind: 'asn' | 'country', readonly fault?: string }>
  readonly budgets: readonly BudgetBody[]
  /** What stops writes now. */
  readonly writes_stopped: readonly WriteStopBody[]
}

export type PolicyLists = Readonly<Record<'peers' | 'prefixes' | 'asns' | 'countries', PolicyListBody>>

export interface PolicyListBody {
  readonly count: number
  /** At most fifty of them. */
  readonly first: readonly string[]
}

export interface BudgetBody {
  /** Of what, and whose. */
  readonly what: string
  readonly limit: number
  readonly unit: 'a second' | 'at once'
  /** Where it comes from; absent for what is fixed. */
  readonly setting?: string
}

export interface WriteStopBody { readonly kind: string, readonly reason: string }

/** `GET /v1/policy/test`: what would become of a request or a connection. */
export interface PolicyTestBody {
  readonly admitted: boolean
  /** As `rejected_total` would count it. */
  readonly reason?: string
  /** The member of a list that decides; absent where the profile does. */
  readonly match?: { readonly list: 'allow' | 'deny', readonly kind: keyof PolicyLists, readonly member: string }
  readonly profile: string
  readonly origin?: { readonly asn?: number, readonly country?: string }
  /** Bans of the discv5 plane that hold for the address. */
  readonly bans: ReadonlyArray<{ readonly subject: string, readonly until: string, readonly reason: string }>
  /** With a path: each route that it comes to, what that asks, and what stops it now. */
  readonly routes?: ReadonlyArray<{ readonly surface: string, readonly route: string, readonly asks: string, readonly stopped?: string }>
}
