import type { Permission, Role } from '../../policy/permissions.ts'
import type { KnownGrant, Principal } from '../authority.ts'
import type { Caveat } from '../caveats.ts'

export interface MintRequest {
  /** In the minter's words: what the token is for. 1 to 200 characters. */
  readonly memo: string
  /** A role stands for what it may do when the grant is minted. */
  readonly allows: Role | readonly Permission[]
  readonly caveats: readonly Caveat[]
  /** Milliseconds since 1970-01-01 UTC; undefined for as long as the minter's own, or for ever. */
  readonly expiresAt: number | undefined
}

/**
 * Who asks for a change: the daemon by itself; who opened the admin socket, where that alone makes the operator; who holds the
 * passphrase of its keys, while it was stopped; or the bearer of a token that was just verified.
 */
export type Changer = 'daemon' | 'operator' | 'offline' | Pick<Principal, 'capabilityId' | 'conditions' | 'isDischarged'>

/** What is known of a grant: never its token, nor its key. Its id is the id of its root key, of which it is the only one. */
export interface Grant extends KnownGrant {
  readonly nonce: string
  readonly memo: string
  /** `daemon`, `operator`, `offline`, or the id of the minter's grant. */
  readonly mintedBy: string
  /** The grants it was minted under, the first ancestor first; they name its family. Bounded by {@link MAX_DEPTH}. */
  readonly ancestors: readonly string[]
  readonly role: Role | undefined
  /** Of the conditions its token was minted with. */
  readonly caveatsDigest: string
  /** Of the secret that its root key is derived from. */
  readonly rootVersion: number
  readonly createdAt: number
  readonly lastUsedAt: number | undefined
}

/** How long a chain of grants that minted each other may be. */
export const MAX_DEPTH = 8

/** The one grant with this id or nonce; a grant and all that was minted under it; or all that was minted before a time. */
export type Revocation =
  | { readonly id: string }
  | { readonly nonce: string }
  | { readonly family: string }
  | { readonly before: number }

/** True for the grants that the revocation is about. */
export function isRevoked (grant: Grant, revocation: Revocation): boolean {
  if ('id' in revocation) return grant.id === revocation.id
  if ('nonce' in revocation) return grant.nonce === revocation.nonce
  if ('family' in revocation) return grant.id === revocation.family || grant.ancestors.includes(revocation.family)
  return grant.createdAt < revocation.before
}

/** Never of a grant without an expiry; both times are in milliseconds. */
export function hasExpired ({ expiresAt }: KnownGrant, now: number): boolean {
  return expiresAt !== undefined && expiresAt < now
}

/** The grant as the audit log keeps it, and as its digest is taken: plain JSON without what changes at each use. */
export function toRecord ({ lastUsedAt: _, expiresAt, role, ...grant }: Grant): object {
  return { ...grant, ...(expiresAt !== undefined && { expiresAt }), ...(role !== undefined && { role }) }
}

/** The grant of a record that {@link toRecord} made, not used yet. */
export function fromRecord (record: object): Grant {
  return { expiresAt: undefined, role: undefined, ...record, lastUsedAt: undefined } as Grant
}
