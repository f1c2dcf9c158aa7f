/** One condition of being routable. `reason` is undefined while it holds, else a sentence an operator can act on. */
export interface ReadinessCheck {
  readonly name: ReadinessCondition
  reason (): string | undefined
}

/** The conditions, in the order an operator should look at them. */
export const READINESS_CONDITIONS = ['lifecycle', 'policy', 'store', 'audit', 'governance', 'bootstrap', 'routing_table', 'self_lookup', 'discv5'] as const

export type ReadinessCondition = (typeof READINESS_CONDITIONS)[number]

export interface ReadinessReport {
  readonly ready: boolean
  /** Why writes are refused while reads go on: the operator's words. Absent when they are not. */
  readonly degraded?: string
  readonly reasons: ReadonlyArray<{ readonly condition: ReadinessCondition, readonly reason: string }>
}

/** Ready means routable: every condition holds now. Nothing is assumed: no checks, not ready. */
export function reportReadiness (checks: readonly ReadinessCheck[]): ReadinessReport {
  const reasons = checks.flatMap(check => {
    const reason = check.reason()
    return reason === undefined ? [] : [{ condition: check.name, reason }]
  })
  return { ready: checks.length > 0 && reasons.length === 0, reasons }
}
