import type { FastifyInstance, FastifyRequest } from 'fastify'
import { DhtError } from '../../core/errors.ts'
import type { Attempt, Judgement } from '../../auth/authority.ts'
import { type Caveat, parseCaveat } from '../../auth/caveats.ts'
import type { Changer, Grant, MintRequest, Revocation } from '../../auth/grants/grant.ts'
import type { Minted } from '../../auth/grants/draft.ts'
import { isPermission, PERMISSIONS, type Permission, ROLES } from '../../policy/permissions.ts'
import { toIso } from './present.ts'
import { badBody, type Query, readObject, readQuery } from './request.ts'
import type { CapBody, CapMintBody, CapPermissionsBody, CapRevokeBody, CapRotateBody, CapsBody, CapTestBody } from './wire.ts'

export interface CapsPort {
  mint (request: MintRequest, by: Changer): Promise<Minted>
  revoke (revocation: Revocation, by: Changer, reason: string): Promise<readonly Grant[]>
  list (): Grant[]
  beginRotation (by: Changer, reason: string): Promise<number>
  finishRotation (by: Changer, reason: string): Promise<{ readonly version: number, readonly revoked: number }>
  /** @throws {DhtError} NoCapability for a token that is not ours */
  judge (token: string, attempt: Attempt): Judgement
}

const MAX_REASON = 500
const PAGE = 1000
const TEST_FIELDS = ['token', 'permission', 'ip', 'at', 'proposal', 'tenant', 'kid', 'alg', 'aud', 'nonce'] as const

/** Capabilities: minting, listing, revoking and trying them out. A token is in the answer to its mint, and nowhere else. */
export function addCapRoutes (app: FastifyInstance, { caps, now }: { readonly caps: CapsPort, readonly now: () => number }): void {
  app.post('/v1/caps', async (request, reply): Promise<CapMintBody> => {
    const { grant, token, conditions } = await caps.mint(parseMint(request.body), changerOf(request))
    reply.header('cache-control', 'no-store').code(201)
    return { ...toCap(grant), token, caveats: [...conditions] }
  })

  app.get<Query>('/v1/caps', async (request): Promise<CapsBody> => {
    const { after } = readQuery(request.query, ['after'])
    const all = caps.list()
    const start = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1
    if (after !== undefined && start === 0) throw badBody('There is no such capability to go on after.', 'Begin again without "after".')
    const page = all.slice(start, start + PAGE)
    const last = page.at(-1)
    return { caps: page.map(toCap), ...(last !== undefined && start + PAGE < all.length && { next: last.id }) }
  })

  app.delete<{ Params: { readonly id: string } }>('/v1/caps/:id', async (request): Promise<CapRevokeBody> =>
    toRevoked(await caps.revoke({ id: request.params.id }, changerOf(request), 'revoked by its id')))

  app.post('/v1/caps/revoke', async (request): Promise<CapRevokeBody> => {
    const { revocation, reason } = parseRevocation(request.body)
    return toRevoked(await caps.revoke(revocation, changerOf(request), reason))
  })

  app.post('/v1/caps/test', async (request): Promise<CapTestBody> => {
    const { token, attempt } = parseTest(request.body, now())
    try {
      const { allowed, grant, verdicts } = caps.judge(token, attempt)
      return { valid: true, allowed, id: grant.id, granted: grant.permissions.includes(attempt.permission), caveats: verdicts.map(verdict => ({ ...verdict })) }
    } catch (err) {
      if (err instanceof DhtError && err.code === 'NoCapability') return { valid: false, allowed: false, caveats: [] }
      throw err
    }
  })

  app.get('/v1/caps/permissions', async (): Promise<CapPermissionsBody> => ({ permissions: PERMISSIONS, roles: ROLES }))

  app.post('/v1/caps/rotate-root', async (request): Promise<CapRotateBody> => {
    const { phase, reason } = readObject(request.body, ['phase', 'reason'])
    const said = reasonOf(reason)
    if (phase === 'prepare') return { version: await caps.beginRotation(changerOf(request), said), revoked: 0 }
    if (phase === 'retire') return await caps.finishRotation(changerOf(request), said)
    throw badBody('The field "phase" must be "prepare" or "retire".', 'Prepare, mint and use a token of the new root, then retire the old one.')
  })
}

/** @throws {Error} for a principal without conditions: then what it mints could not be held to them */
function changerOf ({ principal }: FastifyRequest): Changer {
  if (principal?.capabilityId === 'unix-socket') return 'operator'
  if (principal?.conditions === undefined || principal.isDischarged === undefined) throw new Error('the authorizer does not tell the conditions of the token')
  const { capabilityId, conditions, isDischarged } = principal
  return { capabilityId, conditions, isDischarged }
}

function parseMint (body: unknown): MintRequest {
  const { memo, role, permissions, caveats = [], expires_at: expiresAt } = readObject(body, ['memo', 'role', 'permissions', 'caveats', 'expires_at'])
  if (typeof memo !== 'string') throw badBody('The field "memo" must be a string.', 'Say what the capability is for.')
  return { memo, allows: parseAllows(role, permissions), caveats: parseCaveats(caveats), expiresAt: expiresAt === undefined ? undefined : timeOf('expires_at', expiresAt) }
}

function parseAllows (role: unknown, permissions: unknown): MintRequest['allows'] {
  if ((role === undefined) === (permissions === undefined)) throw badBody('Give either "role" or "permissions".', 'GET /v1/caps/permissions lists both.')
  if (role === 'owner' || role === 'ops' || role === 'security' || role === 'auditor') return role
  if (role !== undefined) throw badBody('There is no such role.', 'The roles are owner, ops, security, auditor.')
  if (!Array.isArray(permissions) || permissions.length > PERMISSIONS.length || !permissions.every(isKnown)) {
    throw badBody('The field "permissions" must be a list of permissions.', 'GET /v1/caps/permissions lists them.')
  }
  return permissions
}

function parseCaveats (texts: unknown): Caveat[] {
  if (!Array.isArray(texts) || texts.length > 64) throw badBody('The field "caveats" must be a list of at most 64.', 'Each is a text as "ip=10.0.0.0/8".')
  return texts.map((text: unknown) => {
    const caveat = typeof text === 'string' ? parseCaveat(text) : undefined
    if (caveat === undefined) throw badBody('A caveat is unknown or malformed, and would deny everything.', 'A caveat is "key operator value", as "expires<=2030-01-01T00:00Z".')
    return caveat
  })
}

function parseRevocation (body: unknown): { readonly revocation: Revocation, readonly reason: string } {
  const { reason, ...which } = readObject(body, ['id', 'nonce', 'family', 'before', 'reason'])
  const [[kind, value] = ['', undefined], ...more] = Object.entries(which)
  const hint = 'Give one of "id", "nonce", "family" and "before".'
  if (more.length > 0 || typeof value !== 'string') throw badBody('It must say in exactly one way what is revoked.', hint)
  const said = reasonOf(reason)
  if (kind === 'before') return { revocation: { before: timeOf('before', value) }, reason: said }
  if (!/^[0-9a-f]{16,32}$/.test(value)) throw badBody(`The field "${kind}" is not an identifier.`, 'GET /v1/caps lists them.')
  return { revocation: kind === 'id' ? { id: value } : kind === 'nonce' ? { nonce: value } : { family: value }, reason: said }
}

function parseTest (body: unknown, now: number): { readonly token: string, readonly attempt: Attempt } {
  const { token, permission, ip, at, ...facts } = readObject(body, TEST_FIELDS)
  if (typeof token !== 'string' || typeof permission !== 'string') throw badBody('The fields "token" and "permission" are needed.', 'Both are text.')
  if (!isKnown(permission)) throw badBody('There is no such permission.', 'GET /v1/caps/permissions, or ronctl cap permissions, lists them.')
  for (const fact of [ip, ...Object.values(facts)]) if (fact !== undefined && typeof fact !== 'string') throw badBody('What the request would tell must be text.', 'As "ip": "10.0.0.1".')
  return { token, attempt: { ...facts, permission, ip: typeof ip === 'string' ? ip : undefined, now: at === undefined ? now : timeOf('at', at) } }
}

function isKnown (value: unknown): value is Permission {
  return typeof value === 'string' && isPermission(value)
}

function reasonOf (reason: unknown): string {
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > MAX_REASON) {
    throw badBody('The field "reason" must say why.', `Give 1 to ${MAX_REASON} characters; they go into the audit log.`)
  }
  return reason
}

function timeOf (name: string, value: unknown): number {
  const time = typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(time)) throw badBody(`The field "${name}" must be a time in UTC.`, 'As 2030-01-01T00:00:00Z.')
  return time
}

function toRevoked (revoked: readonly Grant[]): CapRevokeBody {
  return { revoked: revoked.length, ids: revoked.slice(0, PAGE).map(({ id }) => id) }
}

function toCap ({ id, nonce, memo, permissions, role, mintedBy, ancestors, caveatsDigest, rootVersion, createdAt, expiresAt, lastUsedAt }: Grant): CapBody {
  return {
    id,
    nonce,
    memo,
    permissions,
    ...(role !== undefined && { role }),
    minted_by: mintedBy,
    ancestors,
    caveats_digest: caveatsDigest,
    root_version: rootVersion,
    created_at: toIso(createdAt),
    ...(expiresAt !== undefined && { expires_at: toIso(expiresAt) }),
    ...(lastUsedAt !== undefined && { last_used_at: toIso(lastUsedAt) }),
  }
}
