import { DhtError } from '../core/errors.ts'
import { MAX_TOKEN_BYTES } from '../core/limits.ts'
import type { Permission } from '../policy/permissions.ts'
import { type Attempt, judgeCaveats, type RateBound, rateBoundsOf, type Verdict } from './caveats.ts'
import { decodeToken } from './macaroon/codec.ts'
import { type Macaroon, MacaroonError, verifyChain } from './macaroon/macaroon.ts'

export type { Attempt } from './caveats.ts'

/** Who was let in. */
export interface Principal {
  /** The grant's. */
  readonly id: string
  /** For the audit log: never the token. */
  readonly capabilityId: string
  /** What its `rps` caveats leave of the common rate, the widest first. Bounded by MAX_CAVEATS. */
  readonly bounds: readonly RateBound[]
  /** Every first-party condition of the token and its discharges: what the bearer mints must meet them too. */
  readonly conditions: readonly string[]
  /** True for a token with third-party caveats, which cannot be handed on. */
  readonly isDischarged: boolean
}

/** A grant, as far as judging a token of it needs. */
export interface KnownGrant {
  readonly id: string
  readonly permissions: readonly Permission[]
  /** Milliseconds since 1970-01-01 UTC; undefined for one that does not expire. */
  readonly expiresAt: number | undefined
}

/** The grants in force. One that was revoked is not found. */
export interface GrantSource {
  find (rootKeyId: string, nonce: string): KnownGrant | undefined
  /** What the grant's chain begins with, from its root key in custody. Asked only for what {@link find} found. */
  firstSignature (rootKeyId: string, identifier: Uint8Array): Uint8Array
  /** Tells that the grant was used. */
  used (grantId: string, now: number): void
}

/** What became of an attempt, for `cap test`: whether it is allowed, and every condition with its verdict. */
export interface Judgement {
  readonly grant: KnownGrant
  readonly allowed: boolean
  readonly verdicts: readonly Verdict[]
  readonly bounds: readonly RateBound[]
  readonly isDischarged: boolean
}

/** Macaroons of one request: its own, and the discharges of its third-party caveats. */
const MAX_MACAROONS = 9

/** Decides whether a token allows what its bearer attempts. */
export class Authority {
  readonly #grants: GrantSource
  #unknown: string | undefined
  #isHeld = false

  constructor (deps: { readonly grants: GrantSource }) {
    this.#grants = deps.grants
  }

  /** Until {@link release} nobody is let in: while grants come back from the log, one that was revoked is among them until its revocation comes. */
  hold (): void { this.#isHeld = true }

  release (): void { this.#isHeld = false }

  /** From here on nobody is let in, and is told why: what was granted and revoked cannot be known, and a revoked token must not pass for a good one. */
  close (why: string): void { this.#unknown = why }

  /**
   * @param token a macaroon, and after commas the discharges bound to it
   * @throws {DhtError} NoCapability; NotReady and DegradedAudit while it is not known who may do what. Only the bearer of a well-signed token learns which condition does not hold.
   */
  authorize (token: string | undefined, attempt: Attempt): Principal {
    if (this.#unknown !== undefined) {
      throw new DhtError('DegradedAudit', `It is not known who may do what: ${this.#unknown}.`, { hint: 'Nobody is let in meanwhile. See ops/runbooks/SvcDhtAuditStopped.md.', retryAfterMs: 5000, reason: 'audit' })
    }
    if (this.#isHeld) throw new DhtError('NotReady', 'It is not known yet who may do what.', { hint: 'The daemon is starting: try again.', retryAfterMs: 1000, reason: 'audit' })
    if (token === undefined || token === '') throw refusal('this needs a capability', 'Send Authorization: Bearer <token>, or give ronctl one with --cap FILE.')
    const judgement = this.judge(token, attempt)
    const failed = judgement.verdicts.find(({ holds }) => !holds)
    if (!judgement.allowed) {
      throw refusal('the capability does not allow this', failed === undefined
        ? `Its grant has no ${attempt.permission}, or has expired.`
        : 'One of its caveats does not hold: ronctl cap test tells which.')
    }
    this.#grants.used(judgement.grant.id, attempt.now)
    const { grant: { id }, bounds, verdicts, isDischarged } = judgement
    return { id, capabilityId: id, bounds, conditions: verdicts.map(({ caveat }) => caveat), isDischarged }
  }

  /** The attempt judged condition by condition, without counting as a use. @throws {DhtError} NoCapability for a token that is not ours */
  judge (token: string, attempt: Attempt): Judgement {
    const { grant, conditions, isDischarged } = this.#verified(token)
    const verdicts = judgeCaveats(conditions, attempt)
    const isInForce = grant.expiresAt === undefined || attempt.now <= grant.expiresAt
    const allowed = isInForce && grant.permissions.includes(attempt.permission) && verdicts.every(({ holds }) => holds)
    return { grant, allowed, verdicts, bounds: rateBoundsOf(conditions), isDischarged }
  }

  #verified (token: string): { readonly grant: KnownGrant, readonly conditions: readonly Uint8Array[], readonly isDischarged: boolean } {
    try {
      const [root, ...discharges] = decodeAll(token)
      if (root === undefined) throw new MacaroonError('no macaroon')
      const { rootKeyId, nonce } = parseIdentifier(root.identifier)
      const grant = this.#grants.find(rootKeyId, nonce)
      if (grant === undefined) throw new MacaroonError('no such grant')
      const conditions = verifyChain(root, this.#grants.firstSignature(rootKeyId, root.identifier), discharges)
      return { grant, conditions, isDischarged: root.caveats.some(({ thirdParty }) => thirdParty !== undefined) }
    } catch (err) {
      if (!(err instanceof MacaroonError)) throw err
      // One answer for malformed, forged, unknown and revoked: a guesser learns nothing from it.
      throw refusal('the capability is not valid', 'It is malformed, was revoked, or is of another daemon: ask for a new one.')
    }
  }
}

/** `v1:<root key id>:<nonce>`: a nonce names one token, the root key id its family. */
export function formatIdentifier (rootKeyId: string, nonce: string): Uint8Array {
  return Buffer.from(`v1:${rootKeyId}:${nonce}`)
}

/** @throws {MacaroonError} for an identifier of another kind */
export function parseIdentifier (identifier: Uint8Array): { readonly rootKeyId: string, readonly nonce: string } {
  const [, rootKeyId, nonce] = /^v1:([0-9a-f]{16}):([0-9a-f]{32})$/.exec(Buffer.from(identifier).toString('latin1')) ?? []
  if (rootKeyId === undefined || nonce === undefined) throw new MacaroonError('its identifier is not ours')
  return { rootKeyId, nonce }
}

function decodeAll (token: string): Macaroon[] {
  if (token.length > MAX_TOKEN_BYTES) throw new MacaroonError('token is too long')
  const parts = token.startsWith('{') ? [token] : token.split(',', MAX_MACAROONS + 1)
  if (parts.length > MAX_MACAROONS) throw new MacaroonError('too many discharges')
  return parts.map(decodeToken)
}

function refusal (message: string, hint: string): DhtError {
  return new DhtError('NoCapability', message, { hint, reason: 'unauth' })
}
