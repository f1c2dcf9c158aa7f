import { randomBytes } from 'node:crypto'
import { jsonDigest } from '../../core/digest.ts'
import { DhtError } from '../../core/errors.ts'
import { MAX_TOKEN_BYTES } from '../../core/limits.ts'
import type { MacaroonRoots } from '../../kms/macaroon-roots.ts'
import { formatIdentifier } from '../authority.ts'
import { SERVICE } from '../caveats.ts'
import { encodeToken } from '../macaroon/codec.ts'
import { attenuate, beginMacaroon } from '../macaroon/macaroon.ts'
import type { Changer, Grant, MintRequest } from './grant.ts'
import { termsWithin } from './within.ts'

/** A grant, and the only time that its token is seen. */
export interface Minted {
  readonly grant: Grant
  readonly token: string
  /** Every condition of the token: those asked for, and those carried over from the minter's. */
  readonly conditions: readonly string[]
}

/** What a token is known by, and what its root key is derived from. */
export interface GrantNames {
  readonly id: string
  readonly nonce: string
  readonly rootVersion: number
}

interface Deps {
  readonly roots: Pick<MacaroonRoots, 'firstSignature'>
  /** The grant of the token that asks; undefined for who needs none. */
  readonly minter: Grant | undefined
  readonly now: number
}

export function newNames (rootVersion: number): GrantNames {
  return { id: randomBytes(8).toString('hex'), nonce: randomBytes(16).toString('hex'), rootVersion }
}

/**
 * The grant as it will be, and its token, before anything has changed.
 * @throws {DhtError} BadRequest, or NoCapability for more than the minter's own
 */
export function draftGrant (request: MintRequest, by: Changer, names: GrantNames, { roots, minter, now }: Deps): Minted {
  const { permissions, expiresAt, ancestors, conditions } = termsWithin(request, by, minter, now)
  const { id, nonce, rootVersion } = names
  const grant: Grant = {
    id,
    nonce,
    permissions,
    expiresAt,
    ancestors,
    memo: request.memo,
    mintedBy: typeof by === 'string' ? by : by.capabilityId,
    role: typeof request.allows === 'string' ? request.allows : undefined,
    caveatsDigest: jsonDigest(conditions),
    rootVersion,
    createdAt: now,
    lastUsedAt: undefined,
  }
  const identifier = formatIdentifier(id, nonce)
  const bare = beginMacaroon(roots.firstSignature(rootVersion, id, identifier), identifier, SERVICE)
  const token = encodeToken(conditions.reduce((macaroon, text) => attenuate(macaroon, Buffer.from(text)), bare))
  if (token.length > MAX_TOKEN_BYTES) throw new DhtError('BadRequest', 'The token would be too long to be sent.', { hint: 'Ask for fewer or shorter caveats.', reason: 'http_body' })
  return { grant, token, conditions }
}
