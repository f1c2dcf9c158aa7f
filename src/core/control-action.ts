/** What a control action leaves in the audit log, which adds number, time and the link to the entry before. */
export interface ControlAction {
  /** Who acted: a signer's actor ID, a grant's ID, or `daemon` for what happens by itself. */
  readonly actor: string
  /** The capability that allowed it: never the token. */
  readonly capabilityId?: string
  /** `<thing>.<verb>`, as `cap.mint` or `proposal.approve`. */
  readonly action: string
  /** Digest of what was changed, before and after; left out where there was nothing. */
  readonly beforeDigest?: string
  readonly afterDigest?: string
  /** In the actor's words. */
  readonly reason: string
  readonly proposalId?: string
  readonly signers?: readonly string[]
  /** One for each action: a second entry with the same one is the same action told again. */
  readonly opId: string
  readonly disputed?: boolean
  /** Plain JSON: what a replay of the log needs beyond the fields above. Never a secret. */
  readonly event?: unknown
}

/** Where an entry of the log is. */
export interface Recorded {
  readonly seq: number
  /** Milliseconds since 1970-01-01 UTC. */
  readonly ts: number
}

/** The audit log, as those see it whose actions it keeps. */
export interface ActionLog {
  /**
   * Resolves when the entry is durable: only then may the action take effect.
   * @throws {DhtError} DegradedAudit when the log takes no entries, TooLarge for an entry over its limit
   */
  record (action: ControlAction): Promise<Recorded>
}
