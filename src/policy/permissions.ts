/**
 * Everything a capability can allow, `<thing>:<verb>`. The list is closed: a grant names members of it, and every route asks
 * for exactly one. Adding a member is a change of what operators can hand out, and is reviewed as one.
 */
export const PERMISSIONS = [
  'status:read', 'peer:read', 'record:read', 'quota:read', 'lookup:read', 'config:read', 'event:read',
  'provider:write', 'provider:delete',
  'cap:mint', 'cap:read', 'cap:revoke',
  'audit:read',
  'ops:read', 'ops:degraded',
  'ban:read', 'ban:write',
  'policy:read',
  'discv5:read', 'discv5:write',
  'kms:read', 'kms:use', 'kms:manage',
  'governance:read', 'governance:propose', 'governance:approve', 'governance:execute', 'governance:veto', 'governance:freeze', 'governance:dispute',
  'membership:read', 'membership:propose', 'membership:approve',
] as const

export type Permission = typeof PERMISSIONS[number]

/** What changes the network's records: refused in degraded mode. Steering the daemon, out of that mode too, stays possible. */
export const WRITES: ReadonlySet<Permission> = new Set<Permission>(['provider:write', 'provider:delete'])

export function isPermission (text: string): text is Permission {
  return PERMISSIONS.some(permission => permission === text)
}

export type Role = 'owner' | 'ops' | 'security' | 'auditor'

/** Reading is the same for every role; none of it changes anything. Nobody reads keys by it: `kms:read` tells of them, never them. */
const READ = PERMISSIONS.filter(permission => permission.endsWith(':read'))

/**
 * What a grant of a role may do at most (svc-dht-governance §2). Ops deploys, runs canaries and sets degraded mode, but changes
 * neither lists nor bootstraps nor PQ; security approves those, and may execute them; the owner arbitrates; the auditor reads and files disputes.
 * Holding `governance:approve` only admits the request: what counts there is a signer's signature.
 */
export const ROLES: Readonly<Record<Role, readonly Permission[]>> = {
  owner: PERMISSIONS,
  ops: [
    ...READ, 'provider:write', 'provider:delete', 'ops:degraded', 'ban:write', 'discv5:write', 'kms:use',
    'governance:propose', 'governance:execute', 'governance:dispute', 'membership:propose',
  ],
  security: [
    ...READ, 'ban:write', 'cap:mint', 'cap:revoke', 'kms:use', 'kms:manage',
    'governance:propose', 'governance:approve', 'governance:execute', 'governance:veto', 'governance:freeze', 'governance:dispute',
    'membership:propose', 'membership:approve',
  ],
  auditor: [...READ, 'governance:dispute'],
}

/** What a route asks of whom it serves: a permission, or `public` for everybody whom the policy admits. */
export type Access = Permission | 'public'

export type Surface = 'public' | 'admin' | 'ops'

/**
 * Method and path pattern of every route, and what it asks. A route that is not here keeps the daemon from starting; HEAD asks
 * what its GET asks. Public routes are public because they say so here, not because nobody said anything.
 */
export const ROUTES: Readonly<Record<Surface, Readonly<Record<string, Access>>>> = {
  public: {
    'GET /routing/v1/providers/:cid': 'public',
    'GET /routing/v1/peers/:id': 'public',
    'GET /routing/v1/ipns/:name': 'public',
    'PUT /routing/v1/ipns/:name': 'public',
    'GET /routing/v1/dht/closest/peers/:key': 'public',
    'GET /audit/checkpoint': 'public',
    'GET /audit/tile/*': 'public',
    'GET /v1/discv5/enr': 'public',
    'GET /eth/v1/node/identity': 'public',
    'POST /': 'public',
    'GET /openapi.json': 'public',
    'OPTIONS *': 'public',
  },
  admin: {
    'GET /v1/status': 'status:read',
    'GET /v1/overview': 'status:read',
    'GET /v1/peers': 'peer:read',
    'GET /v1/records/:key': 'record:read',
    'GET /v1/quotas': 'quota:read',
    'GET /v1/quotas/:peer': 'quota:read',
    'POST /v1/providers': 'provider:write',
    'DELETE /v1/providers/:key': 'provider:delete',
    'GET /v1/lookups/:kind/:key': 'lookup:read',
    'GET /v1/audit/head': 'audit:read',
    'GET /v1/audit/entries': 'audit:read',
    'GET /v1/audit/proof/:seq': 'audit:read',
    'GET /v1/audit/files/*': 'audit:read',
    'POST /v1/audit/rotate-key': 'kms:manage',
    'GET /v1/events': 'event:read',
    'POST /v1/caps': 'cap:mint',
    'GET /v1/caps': 'cap:read',
    'DELETE /v1/caps/:id': 'cap:revoke',
    'POST /v1/caps/revoke': 'cap:revoke',
    'POST /v1/caps/test': 'cap:read',
    'GET /v1/caps/permissions': 'cap:read',
    'POST /v1/caps/rotate-root': 'kms:manage',
    'GET /v1/config': 'config:read',
    'GET /v1/config/digest': 'config:read',
    'GET /v1/ops/degraded': 'ops:read',
    'PUT /v1/ops/degraded': 'ops:degraded',
    'GET /v1/governance/status': 'governance:read',
    'GET /v1/governance/state': 'governance:read',
    'GET /v1/governance/charter': 'governance:read',
    'GET /v1/governance/proposals': 'governance:read',
    'GET /v1/governance/proposals/:id': 'governance:read',
    'GET /v1/governance/disputes': 'governance:read',
    'GET /v1/governance/obligations': 'governance:read',
    'POST /v1/governance/proposals': 'governance:propose',
    'POST /v1/governance/proposals/:id/approvals': 'governance:approve',
    'POST /v1/governance/proposals/:id/veto': 'governance:veto',
    'POST /v1/governance/proposals/:id/execute': 'governance:execute',
    'POST /v1/governance/proposals/:id/promote': 'governance:execute',
    'POST /v1/governance/proposals/:id/rollback': 'governance:execute',
    'POST /v1/governance/freeze': 'governance:freeze',
    'POST /v1/governance/disputes': 'governance:dispute',
    'POST /v1/governance/disputes/resolutions': 'governance:dispute',
    'POST /v1/governance/obligations': 'governance:execute',
    'GET /v1/membership/status': 'membership:read',
    'GET /v1/membership/members': 'membership:read',
    'GET /v1/discv5': 'discv5:read',
    'GET /v1/discv5/table': 'discv5:read',
    'GET /v1/discv5/records': 'discv5:read',
    'POST /v1/discv5/ping': 'discv5:write',
    'POST /v1/discv5/lookup': 'discv5:write',
    'POST /v1/discv5/nodes': 'discv5:write',
    'POST /v1/discv5/talk': 'discv5:write',
    'GET /v1/discv5/topics': 'discv5:read',
    'POST /v1/discv5/topics': 'discv5:write',
    'DELETE /v1/discv5/topics/:topic': 'discv5:write',
    'POST /v1/discv5/topics/find': 'discv5:write',
    'GET /v1/policy': 'policy:read',
    'GET /v1/policy/test': 'policy:read',
    'GET /v1/bans': 'ban:read',
    'POST /v1/bans': 'ban:write',
    'DELETE /v1/bans/:subject': 'ban:write',
  },
  ops: {
    'GET /healthz': 'public',
    'GET /readyz': 'public',
    'GET /metrics': 'public',
    'GET /version': 'public',
    'GET /': 'public',
    'GET /status': 'public',
    'GET /status.css': 'public',
    'GET /status.js': 'public',
    'GET /status/events': 'public',
  },
}

/** A route that a request would come to, and what it asks. */
export interface RouteAccess { readonly surface: Surface, readonly route: string, readonly access: Access }

/** The routes, of all surfaces, that a method and a path come to. */
export function routesAt (method: string, path: string): RouteAccess[] {
  const asked = method === 'HEAD' ? 'GET' : method
  return (['public', 'admin', 'ops'] as const).flatMap(surface => Object.entries(ROUTES[surface]).flatMap(([row, access]) => {
    const [own = '', pattern = ''] = row.split(' ')
    return own === asked && matchesPattern(pattern, path) ? [{ surface, route: row, access }] : []
  }))
}

/** Whether a path is one of the pattern: `:name` stands for one part of it, `*` at the end for any that follow. */
export function matchesPattern (pattern: string, path: string): boolean {
  if (pattern === '*') return true
  const expected = pattern.split('/')
  const actual = path.split('/')
  if (expected.at(-1) === '*') return actual.length >= expected.length && expected.slice(0, -1).every((part, index) => part === actual[index])
  return expected.length === actual.length && expected.every((part, index) => part.startsWith(':') || part === actual[index])
}

/** What the route asks; undefined when it has no row. */
export function accessOf (surface: Surface, method: string, path: string): Access | undefined {
  const rows = ROUTES[surface]
  const row = `${method === 'HEAD' ? 'GET' : method} ${path}`
  return Object.hasOwn(rows, row) ? rows[row] : undefined
}
